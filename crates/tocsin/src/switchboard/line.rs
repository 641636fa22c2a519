//! A trunk as the switchboard uses it: how numbers are written and what media is offered on it.

use std::net::{IpAddr, SocketAddr};

use directory::E164;
use rand::RngCore;
use rtp_media::sdp::{InBandPolicy, OfferSettings, SrtpPolicy, make_keys};
use rtp_media::{StreamId, amd};
use sip_core::{Destination, TrunkId};

use crate::config::{NumberFormat, Security, Trunk};

/// One trunk.
#[derive(Debug, Clone)]
pub struct Line {
    trunk: TrunkId,
    callers: Vec<E164>,
    number_format: NumberFormat,
    template: OfferSettings,
    advertised: Option<IpAddr>,
    machines: amd::Settings,
}

impl Line {
    /// The line of a configured trunk. `advertised` replaces the media address in SDP behind address translation.
    pub fn new(trunk: TrunkId, config: &Trunk, advertised: Option<IpAddr>) -> Self {
        let inband = if config.inband_dtmf {
            InBandPolicy::Always
        } else {
            InBandPolicy::Never
        };
        let srtp = match config.security {
            Security::Off => SrtpPolicy::Off,
            Security::Offered => SrtpPolicy::Offered,
            Security::Required => SrtpPolicy::Required,
        };
        // The address is replaced for each call.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let template = OfferSettings {
            codecs: config.codecs.clone(),
            ptime: config.ptime,
            silence_timeout: config.silence,
            inband,
            srtp,
            ..OfferSettings::new(nowhere, 0)
        };
        Self {
            trunk,
            callers: config.callers.clone(),
            number_format: config.number_format,
            template,
            advertised,
            machines: amd::Settings::default(),
        }
    }

    /// The same, with the operator's settings for telling answering machines from people.
    #[must_use]
    pub fn with_machines(mut self, settings: amd::Settings) -> Self {
        self.machines = settings;
        self
    }

    pub(super) fn trunk(&self) -> TrunkId {
        self.trunk
    }

    pub(super) fn default_caller(&self) -> Option<&E164> {
        self.callers.first()
    }

    pub(super) fn destination(&self, number: &E164) -> Destination {
        Destination::User(self.write_number(number))
    }

    /// The number as this carrier wants it.
    pub(super) fn write_number(&self, number: &E164) -> String {
        write_number(self.number_format, number)
    }

    /// What is offered to one call; `hears_machines` has answering machines told from people.
    pub(super) fn offer(&self, stream: StreamId, mut address: SocketAddr, hears_machines: bool) -> OfferSettings {
        if let Some(advertised) = self.advertised {
            address.set_ip(advertised);
        }
        let mut offer = OfferSettings {
            address,
            session_id: stream.0,
            amd: hears_machines.then_some(self.machines),
            tones: true,
            ..self.template.clone()
        };
        if offer.srtp != SrtpPolicy::Off {
            offer.keys = make_keys(|bytes| rand::rng().fill_bytes(bytes));
        }
        offer
    }
}

/// A number as a carrier wants it.
pub fn write_number(format: NumberFormat, number: &E164) -> String {
    match format {
        NumberFormat::E164 => number.international(),
        NumberFormat::Digits => number.digits(),
        NumberFormat::National => number.dialled_from_france(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_carrier_gets_numbers_as_it_wants_them() {
        let cases = [
            (NumberFormat::E164, "01 99 00 00 01", "+33199000001"),
            (NumberFormat::Digits, "01 99 00 00 01", "33199000001"),
            (NumberFormat::National, "+33 1 99 00 00 01", "0199000001"),
            (NumberFormat::E164, "+32 2 555 12 12", "+3225551212"),
            (NumberFormat::Digits, "+32 2 555 12 12", "3225551212"),
            (NumberFormat::National, "+32 2 555 12 12", "003225551212"),
        ];
        for (format, number, expected) in cases {
            let parsed = E164::parse(number).expect("a number");
            assert_eq!(write_number(format, &parsed), expected, "{format:?} {number}");
        }
    }
}
