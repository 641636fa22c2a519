//! Provisional responses and the early dialogs that forking proxies multiply (RFC 3261 §13.2.2.1).

use crate::endpoint::core::Context;
use crate::event::Event;
use crate::message::{Headers, Name, Response};
use crate::slots::Key;

use super::call::{Call, Phase, dialog_of, sdp_of_response};
use super::calling::Early;
use super::prack::Reliability;

impl Call {
    /// A provisional response above 100.
    pub fn handle_provisional(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        let forks = cx.core.config.limits.forks;
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        let sdp = sdp_of_response(response);
        let tag = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned));
        if let Some(tag) = tag {
            let known = calling.early.iter().position(|early| *early.dialog.remote_tag == *tag);
            let index = match known {
                Some(index) => {
                    let dialog = &mut calling.early[index].dialog;
                    if dialog.refresh_target(response.headers()) {
                        cx.route(self.trunk, dialog);
                    }
                    Some(index)
                }
                None if calling.early.len() < forks => dialog_of(cx, tx, response).map(|dialog| {
                    calling.early.push(Early { dialog, reliable: None });
                    calling.early.len() - 1
                }),
                None => None,
            };
            if let Some(index) = index {
                match self.check_reliability(cx, index, response) {
                    Reliability::Plain | Reliability::Next => {}
                    Reliability::Repeat => return,
                }
            }
        }
        if let Some(is_authorised) = authorises_early_media(response.headers()) {
            cx.core.emit(Event::EarlyMedia {
                call: self.id,
                is_authorised,
            });
        }
        cx.core.emit(Event::Provisional {
            call: self.id,
            status: response.status(),
            sdp,
        });
    }
}

/// What P-Early-Media says of media towards us. The directions are those of who wrote it (RFC 5009 §8).
fn authorises_early_media(headers: &Headers) -> Option<bool> {
    headers.elements(Name::PEarlyMedia).find_map(|direction| {
        let is = |words: &[&str]| words.iter().any(|word| direction.eq_ignore_ascii_case(word.as_bytes()));
        if is(&["sendrecv", "sendonly"]) {
            Some(true)
        } else if is(&["recvonly", "inactive"]) {
            Some(false)
        } else {
            None
        }
    })
}
