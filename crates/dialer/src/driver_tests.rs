use super::*;
use crate::journal::{Embedded, Faults, Memory};
use crate::{
    AttemptId, CallStats, Contact, E164, MessageId, Order, Outcome, Preset, RecipientId, Settings, Text, TrunkSettings,
};
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// Telephones that answer at once, press the key, and hang up once they are thanked.
struct Eager {
    news: Sender<News>,
    thanked: Sender<AttemptId>,
}

enum News {
    Placed(AttemptId),
    Thanked(AttemptId),
}

impl Caller for Eager {
    fn place(&mut self, order: Order) {
        let _ = self.news.send(News::Placed(order.attempt));
    }
    fn acknowledge(&mut self, attempt: AttemptId) {
        let _ = self.thanked.send(attempt);
        let _ = self.news.send(News::Thanked(attempt));
    }
    fn hang_up(&mut self, _: AttemptId) {}
    fn change_message(&mut self, _: AttemptId, _: MessageId, _: u32) {}
}

fn settings() -> Settings {
    Settings {
        trunks: vec![TrunkSettings::new("a", 500, 2_000.0)],
        ..Settings::default()
    }
}

fn contacts(count: u64) -> Vec<Contact> {
    (0..count)
        .map(|n| Contact {
            recipient: RecipientId(n),
            numbers: vec![E164::parse(&format!("+331990{n:05}")).unwrap()],
            ..Contact::default()
        })
        .collect()
}

/// Starts a dialer whose calls are confirmed by a thread; returns the handle and the thanks.
fn start_world(dialer: Dialer, journal: Box<dyn Journal>) -> (Handle, Receiver<AttemptId>) {
    let (news, happened) = mpsc::channel();
    let (thanked, thanks) = mpsc::channel();
    let handle = start(dialer, journal, Box::new(Eager { news, thanked })).unwrap();
    let reports = handle.clone();
    std::thread::spawn(move || {
        for news in happened {
            match news {
                News::Placed(attempt) => {
                    reports.report(CallReport::Ringing { attempt });
                    reports.report(CallReport::Answered { attempt });
                    reports.report(CallReport::ConfirmRequested { attempt });
                }
                News::Thanked(attempt) => {
                    let (outcome, stats) = (Outcome::Confirmed, CallStats::default());
                    reports.report(CallReport::Ended {
                        attempt,
                        outcome,
                        stats,
                    });
                }
            }
        }
    });
    (handle, thanks)
}

fn create(handle: &Handle, count: u64) -> CampaignId {
    let text = Text {
        language: crate::Language::FRENCH,
        words: "Alerte.".into(),
        audio: None,
    };
    let message = Message {
        id: MessageId(0),
        version: 0,
        title: "Crue".into(),
        texts: vec![text],
    };
    let Ok(Reply::Message(message, 1)) = handle.command(Command::SaveMessage {
        message,
        by: "op".into(),
    }) else {
        panic!("no message")
    };
    let create = Command::Create {
        name: "Crue".into(),
        message,
        policy: Preset::Immediate.policy(),
        recipients: contacts(count),
        service: String::new(),
        by: "op".into(),
    };
    let Ok(Reply::Campaign(campaign)) = handle.command(create) else {
        panic!("no campaign")
    };
    campaign
}

/// Watches the live view as a console would, until it shows something.
fn wait_for(handle: &Handle, what: impl Fn(&LiveView) -> bool) {
    for _ in 0..3_000 {
        if what(&handle.view()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not seen: {:?}", handle.view());
}

fn wait_for_end(handle: &Handle, campaign: CampaignId) {
    wait_for(handle, |view| {
        view.campaign(campaign)
            .is_some_and(|view| view.state == CampaignState::Ended)
    });
}

#[test]
fn a_campaign_runs_on_the_threads_and_is_found_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(folder.path()).unwrap();
    let (handle, thanks) = start_world(Dialer::new(settings(), Now::read()), Box::new(journal));
    let campaign = create(&handle, 300);
    handle
        .command(Command::Launch {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    wait_for_end(&handle, campaign);
    assert_eq!(handle.view().campaign(campaign).unwrap().confirmed, 300);
    assert_eq!(handle.messages().unwrap().len(), 1);
    handle.stop();
    assert_eq!(thanks.try_iter().count(), 300);
    assert!(matches!(
        handle.command(Command::Pause {
            campaign,
            by: "op".into()
        }),
        Err(CommandError::Stopped)
    ));

    let journal = Embedded::open(folder.path()).unwrap();
    let known: HashMap<_, _> = contacts(300)
        .into_iter()
        .map(|contact| (contact.recipient, contact))
        .collect();
    let dialer = Dialer::restore(settings(), Now::read(), journal.read_from(Sequence(0)), &known).unwrap();
    let (handle, _thanks) = start_world(dialer, Box::new(journal));
    let report = handle.campaign_report(campaign).unwrap();
    assert_eq!((report.summary.confirmed, report.attempts.len()), (300, 300));
    handle.stop();
}

#[test]
fn a_full_disk_is_an_alarm_and_no_confirmation_is_lost() {
    let journal = Memory::new();
    let faults: Arc<Faults> = journal.faults();
    let (handle, thanks) = start_world(Dialer::new(settings(), Now::read()), Box::new(journal));
    let campaign = create(&handle, 2_000);
    handle
        .command(Command::Launch {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    for _ in 0..100 {
        thanks.recv_timeout(Duration::from_secs(30)).unwrap();
    }
    faults.is_full.store(true, Ordering::Relaxed);
    wait_for(&handle, |view| view.journal.alarm.is_some());
    let refused = handle.command(Command::Note {
        by: "op".into(),
        action: "x".into(),
        subject: String::new(),
    });
    assert!(matches!(refused, Err(CommandError::Journal(_))));
    // Stopping a campaign does not wait for the disk.
    handle
        .command(Command::Pause {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    faults.is_full.store(false, Ordering::Relaxed);
    wait_for(&handle, |view| view.journal.alarm.is_none());
    handle
        .command(Command::Resume {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    wait_for_end(&handle, campaign);
    assert_eq!(handle.view().campaign(campaign).unwrap().confirmed, 2_000);
    handle.stop();
}

#[test]
fn many_records_share_one_flush() {
    let journal = Memory::new();
    let faults: Arc<Faults> = journal.faults();
    faults.flush_ms.store(5, Ordering::Relaxed);
    let (handle, _thanks) = start_world(Dialer::new(settings(), Now::read()), Box::new(journal));
    let campaign = create(&handle, 1_000);
    handle
        .command(Command::Launch {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    wait_for_end(&handle, campaign);
    let records = handle.view().journal.durable;
    let flushes = faults.flushes.load(Ordering::Relaxed);
    assert!(records >= 3_000, "{records} records");
    assert!(flushes * 4 < records, "{flushes} flushes for {records} records");
    handle.stop();
}

/// Says which messages it was told to prepare, and places no call.
struct Studio(Sender<MessageId>);

impl Caller for Studio {
    fn place(&mut self, _: Order) {}
    fn acknowledge(&mut self, _: AttemptId) {}
    fn hang_up(&mut self, _: AttemptId) {}
    fn change_message(&mut self, _: AttemptId, _: MessageId, _: u32) {}
    fn prepare(&mut self, message: &Message) {
        let _ = self.0.send(message.id);
    }
}

#[test]
fn after_a_restart_the_messages_of_the_library_are_spoken_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(folder.path()).unwrap();
    let (handle, _thanks) = start_world(Dialer::new(settings(), Now::read()), Box::new(journal));
    create(&handle, 2);
    handle.stop();

    let journal = Embedded::open(folder.path()).unwrap();
    let known: HashMap<RecipientId, Contact> = HashMap::new();
    let dialer = Dialer::restore(settings(), Now::read(), journal.read_from(Sequence(0)), &known).unwrap();
    let (sender, prepared) = mpsc::channel();
    let handle = start(dialer, Box::new(journal), Box::new(Studio(sender))).unwrap();
    handle.stop();
    let prepared: Vec<MessageId> = prepared.try_iter().collect();
    assert!(!prepared.is_empty(), "calls would wait for words that nobody speaks");
}

#[test]
fn the_journal_is_read_while_a_campaign_runs() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(folder.path()).unwrap();
    let (handle, _thanks) = start_world(Dialer::new(settings(), Now::read()), Box::new(journal));
    let campaign = create(&handle, 2_000);
    handle
        .command(Command::Launch {
            campaign,
            by: "op".into(),
        })
        .unwrap();
    wait_for(&handle, |view| {
        view.campaign(campaign).is_some_and(|view| view.confirmed > 50)
    });
    let reader = handle.journal().unwrap();
    let mut backup = Vec::new();
    let verified = crate::journal::write_backup(&reader, &mut backup).unwrap();
    assert!(verified.records > 50);
    // It holds the store's lock as long as it lives.
    drop(reader);
    wait_for_end(&handle, campaign);
    let report = handle.campaign_report(campaign).unwrap();
    let seal = handle.seal(report.records).unwrap();
    handle.stop();
    let journal = Embedded::open(folder.path()).unwrap();
    let reader = journal.reader().unwrap();
    assert_eq!(reader.head_at(verified.records).unwrap(), Some(verified.head));
    assert_eq!(reader.head_at(report.records).unwrap(), Some(seal));
}
