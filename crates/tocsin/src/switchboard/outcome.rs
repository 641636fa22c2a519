//! What the end of a call means to the dialer: SIP statuses and Q.850 causes mapped to outcomes.

use dialer::{Heard, Outcome};
use rtp_media::tone::Progress;
use sip_core::{Cause, Origin};

/// The outcome of a call that was never answered.
///
/// RFC 3261 §21 gives the statuses; a Q.850 cause in a Reason header (RFC 3326) is the network's own word and is
/// preferred where a gateway hid it behind a general status. Where neither says why, the last tone that the network played
/// before the answer does: a line that only plays the busy tone until we give up was busy, and did not ring.
pub(super) fn of_failure(cause: &Cause, has_rung: bool, tone: Option<Progress>) -> Outcome {
    let status = cause.status.map_or(0, |status| status.code());
    match cause.origin {
        Origin::Local => return Outcome::Cancelled,
        Origin::RingTimeout => return of_tone(tone, status).unwrap_or(Outcome::NoAnswer),
        Origin::Timeout | Origin::Transport => {
            return Outcome::Congestion {
                status,
                retry_after: cause.retry_after,
            };
        }
        Origin::Remote => {}
    }
    if let Some(outcome) = cause.q850.and_then(|q850| of_q850(q850, status, cause)) {
        return outcome;
    }
    if let (408 | 480 | 487 | 500, Some(outcome)) = (status, of_tone(tone, status)) {
        return outcome;
    }
    match status {
        486 | 600 => Outcome::Busy,
        480 if !has_rung => Outcome::Unreachable { status },
        408 | 480 | 487 => Outcome::NoAnswer,
        404 | 410 | 484 | 604 | 416 | 485 => Outcome::Unreachable { status },
        403 | 603 | 607 | 608 | 433 => Outcome::Rejected { status },
        500 | 502 | 503 | 504 | 429 => Outcome::Congestion {
            status,
            retry_after: cause.retry_after,
        },
        _ => Outcome::Failed { status },
    }
}

/// What a progress tone says of why nobody answered.
fn of_tone(tone: Option<Progress>, status: u16) -> Option<Outcome> {
    match tone? {
        Progress::Busy => Some(Outcome::Busy),
        Progress::Congestion => Some(Outcome::Congestion {
            status,
            retry_after: None,
        }),
        Progress::Information => Some(Outcome::Unreachable { status }),
        Progress::Ringing | Progress::Fax => None,
    }
}

/// ITU-T Q.850 table 1, the causes that say more than the statuses that gateways send them with.
fn of_q850(q850: u8, status: u16, cause: &Cause) -> Option<Outcome> {
    match q850 {
        1 | 22 | 28 => Some(Outcome::Unreachable { status }),
        17 => Some(Outcome::Busy),
        18 | 19 => Some(Outcome::NoAnswer),
        21 => Some(Outcome::Rejected { status }),
        34 | 38 | 41 | 42 | 44 | 47 => Some(Outcome::Congestion {
            status,
            retry_after: cause.retry_after,
        }),
        _ => None,
    }
}

/// The outcome of a call that was answered.
pub(super) fn of_script(outcome: ivr::Outcome) -> Outcome {
    match outcome {
        ivr::Outcome::NotAnswered => Outcome::AnsweredNotConfirmed(Heard::Nothing),
        ivr::Outcome::Confirmed => Outcome::Confirmed,
        ivr::Outcome::Heard => Outcome::AnsweredNotConfirmed(Heard::Whole),
        ivr::Outcome::HungUpEarly => Outcome::AnsweredNotConfirmed(Heard::Part),
        ivr::Outcome::Machine => Outcome::Machine { message_left: false },
        ivr::Outcome::MessageLeft => Outcome::Machine { message_left: true },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sip_core::StatusCode;
    use std::time::Duration;

    #[test]
    fn statuses_and_causes_map_to_outcomes() {
        let cases: [(u16, Option<u8>, bool, Outcome); 13] = [
            (486, None, true, Outcome::Busy),
            (600, None, false, Outcome::Busy),
            (480, None, true, Outcome::NoAnswer),
            (480, None, false, Outcome::Unreachable { status: 480 }),
            (480, Some(19), false, Outcome::NoAnswer),
            (404, None, false, Outcome::Unreachable { status: 404 }),
            (603, None, true, Outcome::Rejected { status: 603 }),
            (500, Some(17), true, Outcome::Busy),
            (
                500,
                None,
                true,
                Outcome::Congestion {
                    status: 500,
                    retry_after: None,
                },
            ),
            (
                503,
                Some(34),
                false,
                Outcome::Congestion {
                    status: 503,
                    retry_after: None,
                },
            ),
            (488, None, false, Outcome::Failed { status: 488 }),
            (608, None, false, Outcome::Rejected { status: 608 }),
            (404, Some(1), false, Outcome::Unreachable { status: 404 }),
        ];
        for (status, q850, has_rung, expected) in cases {
            let cause = Cause {
                status: StatusCode::new(status),
                q850,
                ..Cause::new(Origin::Remote)
            };
            assert_eq!(of_failure(&cause, has_rung, None), expected, "{status} {q850:?}");
        }
    }

    #[test]
    fn what_the_carrier_never_answered_is_congestion_and_retry_after_is_kept() {
        let cause = Cause {
            retry_after: Some(Duration::from_secs(5)),
            ..Cause::new(Origin::Timeout)
        };
        let expected = Outcome::Congestion {
            status: 0,
            retry_after: Some(Duration::from_secs(5)),
        };
        assert_eq!(of_failure(&cause, false, None), expected);
        assert_eq!(
            of_failure(&Cause::new(Origin::RingTimeout), true, None),
            Outcome::NoAnswer
        );
        assert_eq!(of_failure(&Cause::new(Origin::Local), true, None), Outcome::Cancelled);
    }

    #[test]
    fn the_networks_tones_tell_why_where_the_status_does_not() {
        let timeout = Cause::new(Origin::RingTimeout);
        let refused = |status| Cause {
            status: StatusCode::new(status),
            ..Cause::new(Origin::Remote)
        };
        let congestion = |status| Outcome::Congestion {
            status,
            retry_after: None,
        };
        for (cause, tone, expected) in [
            (&timeout, Progress::Busy, Outcome::Busy),
            (&timeout, Progress::Congestion, congestion(0)),
            (&timeout, Progress::Information, Outcome::Unreachable { status: 0 }),
            (&timeout, Progress::Ringing, Outcome::NoAnswer),
            (&refused(480), Progress::Busy, Outcome::Busy),
            (&refused(480), Progress::Congestion, congestion(480)),
            (&refused(486), Progress::Congestion, Outcome::Busy),
            (&refused(404), Progress::Busy, Outcome::Unreachable { status: 404 }),
        ] {
            assert_eq!(of_failure(cause, true, Some(tone)), expected, "{cause:?} {tone:?}");
        }
    }
}
