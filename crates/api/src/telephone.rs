//! The desk by telephone: the same users, rights, operations and audit trail as over HTTPS, for calls instead of requests.

use std::sync::Arc;

use dialer::{CampaignId, RecipientId};

use crate::audit::Operation;
use crate::desk::{Desk, now_ms};

/// The desk for those who ring it up. Cheap to clone. Its methods block: call them where blocking is allowed.
#[derive(Clone)]
pub struct Telephone {
    desk: Arc<Desk>,
}

impl Telephone {
    pub(crate) fn new(desk: Arc<Desk>) -> Telephone {
        Telephone { desk }
    }

    /// Writes down that a recipient confirmed by calling back; the journal holds it already. Numbers are left out: they are the
    /// directory's to keep and to erase.
    pub fn note_call_back(&self, campaign: CampaignId, recipient: RecipientId) {
        self.trace("", "", "telephone.call-back", format!("{campaign}/{recipient}"), 200);
    }

    fn trace(&self, user: &str, caller: &str, operation: &str, target: String, status: u16) {
        let operation = Operation {
            user: user.to_owned(),
            address: caller.to_owned(),
            operation: operation.to_owned(),
            target,
            status,
        };
        if let Err(error) = self.desk.audit.write(operation, now_ms()) {
            tracing::error!(%error, "an operation could not be written to the audit trail");
        }
    }
}
