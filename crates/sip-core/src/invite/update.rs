//! UPDATE (RFC 3311): a session changed or refreshed without INVITE.

use crate::endpoint::core::Context;
use crate::message::Response;
use crate::slots::Key;

use super::call::{Call, sdp_of_response};

impl Call {
    /// A final response to our UPDATE.
    pub fn handle_update_response(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        if response.status().is_success() {
            if let Some(dialog) = self.dialog.as_deref_mut()
                && dialog.refresh_target(response.headers())
            {
                cx.route(self.trunk, dialog);
            }
            return self.finish_offer(cx, tx, response, sdp_of_response(response));
        }
        self.offer_refused(cx, tx, response);
    }
}
