use super::*;
use crate::Whom;
use crate::{Language, Message, Preset, Text};
use proptest::prelude::*;

fn events() -> Vec<Event> {
    let by = || "préfète".to_owned();
    let campaign = CampaignId(7);
    let message = Message {
        id: MessageId(3),
        version: 2,
        title: "Crue de la Somme".into(),
        texts: vec![Text {
            language: Language::FRENCH,
            words: "Évacuez.".into(),
            audio: Some("crue.wav".into()),
        }],
    };
    let stats = CallStats {
        ringing: Duration::from_millis(4_321),
        talking: Duration::from_secs(31),
        status: Some(200),
        q850: Some(0),
        packets_sent: 1_550,
        packets_received: 1_549,
        packets_lost: 1,
        jitter_us: 900,
        digits: 2,
        post_dial: Some(Duration::from_millis(1_730)),
        round_trip: Some(Duration::from_micros(41_250)),
        remote_lost: Some(3),
    };
    let ended = |outcome| Event::AttemptEnded {
        attempt: AttemptId(900),
        campaign,
        outcome,
        stats,
        bill: Bill {
            seconds: 60,
            micros: 12_000,
        },
    };
    let mut events = vec![
        Event::MessageSaved { message, by: by() },
        Event::CampaignCreated {
            campaign,
            name: "Crue".into(),
            message: MessageId(3),
            version: 2,
            policy: Box::new(Preset::Information.policy()),
            service: "SIDPC".into(),
            by: by(),
        },
        Event::RecipientsAdded {
            campaign,
            first: None,
            recipients: [5, 6, 7, 3, u64::MAX, 0].map(RecipientId).to_vec(),
            numbers: vec![1, 3, 0, 2, 1, 1],
            by: by(),
            wave: 2,
        },
        Event::NumbersChanged {
            campaign,
            members: vec![700, 3],
            numbers: vec![0x21, 2],
            by: by(),
        },
        Event::CampaignLaunched { campaign, by: by() },
        Event::CampaignPaused { campaign, by: by() },
        Event::CampaignResumed { campaign, by: by() },
        Event::CampaignStopped { campaign, by: by() },
        Event::CampaignEnded {
            campaign,
            expired: true,
        },
        Event::UnconfirmedRetried { campaign, by: by() },
        Event::MessageChanged {
            campaign,
            message: MessageId(4),
            version: 1,
            in_progress: true,
            recall_confirmed: false,
            by: by(),
        },
        Event::AttemptStarted {
            attempt: AttemptId(900),
            campaign,
            whom: Whom::Member(5),
            slot: 2,
            trunk: "orange".into(),
            version: 2,
            tariff: 3,
            parts: 2,
        },
        Event::WaveOpened { campaign, wave: 3 },
        Event::EnoughAnswered { campaign },
        Event::TextDelivered {
            campaign,
            attempt: AttemptId(900),
        },
        Event::TariffsSet {
            trunk: "orange".into(),
            tariffs: vec![crate::Tariff {
                prefix: "336".into(),
                per_call_micros: 1_000,
                per_minute_micros: 30_000,
                first_step_s: 30,
                step_s: 15,
                per_part_micros: 45_000,
            }],
        },
        Event::Started {
            version: "0.1.0".into(),
        },
        Event::TrunkChanged {
            trunk: "orange".into(),
            is_up: false,
        },
        Event::CampaignAnonymised { campaign },
        Event::RecipientErased {
            members: Vec::new(),
            recipient: Some(RecipientId(41)),
            by: by(),
        },
        Event::RecipientErased {
            members: vec![(campaign, 5), (CampaignId(9), 0)],
            recipient: None,
            by: by(),
        },
        Event::RecipientsAdded {
            campaign,
            first: Some(40),
            recipients: [5, 6, 7, 3, u64::MAX >> 1, 0].map(RecipientId).to_vec(),
            numbers: vec![1, 3, 0, 2, 1, 0x33],
            by: by(),
            wave: 2,
        },
        Event::Stopped,
        Event::JournalRecovered {
            since_ms: -5,
            why: "the disk is full".into(),
        },
        Event::Noted {
            by: by(),
            action: "directory.import".into(),
            subject: "maires.ods".into(),
        },
    ];
    for how in [ConfirmedBy::Key, ConfirmedBy::CallBack, ConfirmedBy::Operator] {
        for whom in [Whom::Member(5), Whom::Recipient(RecipientId(5))] {
            events.push(Event::Confirmed {
                campaign,
                whom,
                attempt: AttemptId(900),
                how,
                by: String::new(),
            });
        }
    }
    events.extend(
        [
            Outcome::Confirmed,
            Outcome::AnsweredNotConfirmed(Heard::Whole),
            Outcome::AnsweredNotConfirmed(Heard::Part),
            Outcome::AnsweredNotConfirmed(Heard::Nothing),
            Outcome::Machine { message_left: true },
            Outcome::Busy,
            Outcome::NoAnswer,
            Outcome::Unreachable { status: 404 },
            Outcome::Rejected { status: 603 },
            Outcome::Congestion {
                status: 503,
                retry_after: None,
            },
            Outcome::Congestion {
                status: 503,
                retry_after: Some(Duration::from_secs(0)),
            },
            Outcome::Failed { status: 500 },
            Outcome::Cancelled,
            Outcome::Unknown,
            Outcome::Sent,
            Outcome::Delivered,
        ]
        .map(ended),
    );
    events
}

#[test]
fn every_event_is_read_back_as_it_was_written() {
    for (at, event) in events().into_iter().enumerate() {
        for at_ms in [-1, 0, 1_764_000_000_123] {
            let record = Record {
                sequence: Sequence(at as u64),
                at_ms,
                event: event.clone(),
            };
            let (mut bytes, roster) = (Vec::new(), Roster::default());
            write(&record, &mut bytes, &roster).unwrap();
            let mut reader = Reader::new(&bytes);
            let back = read(&mut reader, record.sequence, Some(&roster));
            assert_eq!(back, Ok(record.clone()), "{event:?}");
            assert!(reader.is_empty());
            for cut in 0..bytes.len() {
                assert!(
                    read(&mut Reader::new(&bytes[..cut]), record.sequence, Some(&roster)).is_err(),
                    "{event:?} cut at {cut}"
                );
            }
        }
    }
}

/// Records of the first format, as bytes: whatever the program becomes, these must be read.
#[test]
fn records_of_the_first_format_are_read_for_ever() {
    let cases: [(&str, Event); 2] = [
        (
            "0e0a0005302e312e302121ff",
            Event::Started {
                version: "0.1.0".into(),
            },
        ),
        ("0e0100", Event::Started { version: String::new() }),
    ];
    for (hex, event) in &cases {
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let record = read(&mut Reader::new(&bytes), Sequence(9), None).unwrap();
        assert_eq!(
            record,
            Record {
                sequence: Sequence(9),
                at_ms: 0,
                event: event.clone()
            },
            "{hex}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&mut Reader::new(&bytes), Sequence(0), Some(&Roster::default()));
    }
}
