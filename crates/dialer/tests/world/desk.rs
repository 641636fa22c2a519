//! What operators do and look at.

use super::*;

impl World {
    pub fn command(&mut self, command: Command) -> Reply {
        self.try_command(command).unwrap()
    }

    pub fn try_command(&mut self, command: Command) -> Result<Reply, dialer::CommandError> {
        let reply = self.dialer.handle_command(self.now(), command);
        self.settle();
        reply
    }

    pub fn message(&mut self, words: &str) -> MessageId {
        let text = dialer::Text {
            language: dialer::Language::FRENCH,
            words: words.into(),
            audio: None,
        };
        let message = Message {
            id: MessageId(0),
            version: 0,
            title: "Crue".into(),
            texts: vec![text],
        };
        match self.command(Command::SaveMessage {
            message,
            by: "op".into(),
        }) {
            Reply::Message(id, _) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn create(&mut self, policy: Policy, recipients: Vec<Contact>) -> CampaignId {
        let message = self.message("La Somme déborde.");
        let create = Command::Create {
            name: "Crue".into(),
            message,
            policy,
            recipients,
            service: "SIDPC".into(),
            by: "op".into(),
        };
        match self.command(create) {
            Reply::Campaign(campaign) => campaign,
            other => panic!("{other:?}"),
        }
    }

    pub fn launch(&mut self, policy: Policy, recipients: Vec<Contact>) -> CampaignId {
        let campaign = self.create(policy, recipients);
        self.command(Command::Launch {
            campaign,
            by: "op".into(),
        });
        campaign
    }

    pub fn view(&self) -> LiveView {
        self.dialer.view(self.now())
    }

    pub fn campaign(&self, id: CampaignId) -> CampaignView {
        self.view().campaign(id).unwrap().clone()
    }

    pub fn report(&self, id: CampaignId) -> CampaignReport {
        match self.dialer.query(self.now(), Query::Report(id)).unwrap() {
            dialer::Answer::Report(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    pub fn account(&self, period: dialer::Period) -> dialer::Account {
        let query = Query::Account { period, detail: true };
        match self.dialer.query(self.now(), query).unwrap() {
            dialer::Answer::Account(account) => *account,
            other => panic!("{other:?}"),
        }
    }

    pub fn calls_to(&self, recipient: u64) -> Vec<(Duration, Order)> {
        self.placed
            .iter()
            .filter(|(_, order)| order.recipient == RecipientId(recipient))
            .cloned()
            .collect()
    }

    pub fn calls_now(&self) -> usize {
        self.calls.values().filter(|call| !call.is_over).count()
    }
}
