//! What the directory says anew of people in campaigns: other numbers, nobody any more, one of two.
//!
//! Whoever has other numbers from now on is called on those, with fresh tries, in every campaign under way; whoever has
//! left the directory, or wants no alerts any more, is called no more. A call in progress goes on to its end.

use crate::campaign::Campaign;
use crate::commands::CHUNK;
use crate::dialer::Dialer;
use crate::member::{Member, Slot, listed};
use crate::{CampaignId, Contact, Event, FinalState, Gone, Now, RecipientId, SharedNumbers};
use std::collections::BTreeMap;

impl Dialer {
    /// See [`crate::Command::Renew`].
    pub(crate) fn renew(&mut self, now: Now, contacts: Vec<Contact>, gone: Vec<Gone>, by: &str) {
        self.take_over(now, &gone, by);
        for Gone { recipient, .. } in &gone {
            let is_known = |campaign: &Campaign| campaign.index.contains_key(recipient);
            if self.state.campaigns.values().any(is_known) {
                self.take_out(now, *recipient, by);
            }
        }
        let open = |campaign: &&Campaign| campaign.is_open();
        let ids: Vec<CampaignId> = self
            .state
            .campaigns
            .values()
            .filter(open)
            .map(|campaign| campaign.id)
            .collect();
        for id in ids {
            self.renew_in(now, id, &contacts, by);
        }
        // Campaigns that are over may be reopened: they then call the numbers that there are, which is no matter for the
        // journal.
        for campaign in self.state.campaigns.values_mut().filter(|campaign| !campaign.is_open()) {
            contacts.iter().for_each(|contact| campaign.renumber(contact));
        }
    }

    /// One entry was merged into another: campaigns that were to call the one call the other.
    fn take_over(&mut self, now: Now, gone: &[Gone], by: &str) {
        let mut added: BTreeMap<CampaignId, Vec<Contact>> = BTreeMap::new();
        for Gone { recipient, into } in gone {
            let Some(into) = into else { continue };
            for campaign in self.state.campaigns.values().filter(|campaign| campaign.is_open()) {
                let is_in = campaign.index.contains_key(&into.recipient);
                let Some(member) = campaign.member(*recipient).filter(|_| !is_in) else {
                    continue;
                };
                if matches!(member.state, FinalState::Confirmed | FinalState::Informed) {
                    continue;
                }
                let contact = Contact {
                    wave: member.wave,
                    ..into.clone()
                };
                let others = added.entry(campaign.id).or_default();
                if !others.iter().any(|other| other.recipient == contact.recipient) {
                    others.push(contact);
                }
            }
        }
        let moment = self.clock.moment(now);
        for (campaign, contacts) in added {
            let from = self
                .state
                .campaigns
                .get(&campaign)
                .map_or(0, |campaign| campaign.members.len());
            self.add(now, campaign, contacts, by);
            self.schedule_all(moment, campaign, from);
        }
    }

    /// Somebody has left the directory.
    pub(crate) fn take_out(&mut self, now: Now, recipient: RecipientId, by: &str) {
        let by = by.to_owned();
        let place = |campaign: &Campaign| Some((campaign.id, *campaign.index.get(&recipient)?));
        let members: Vec<_> = self.state.campaigns.values().filter_map(place).collect();
        let event = Event::RecipientErased {
            members: members.clone(),
            recipient: None,
            by,
        };
        self.emit(now, event);
        for (campaign, at) in members {
            self.after_change(now, campaign, at);
        }
    }

    fn renew_in(&mut self, now: Now, id: CampaignId, contacts: &[Contact], by: &str) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let place = |contact: &Contact| campaign.index.get(&contact.recipient).copied();
        let (places, contacts): (Vec<u32>, Vec<&Contact>) = contacts
            .iter()
            .filter_map(|contact| Some((place(contact)?, contact)))
            .unzip();
        for (members, contacts) in places.chunks(CHUNK).zip(contacts.chunks(CHUNK)) {
            let event = Event::NumbersChanged {
                campaign: id,
                members: members.to_vec(),
                numbers: contacts.iter().map(|contact| listed(contact)).collect(),
                by: by.to_owned(),
            };
            let mut contacts = contacts.iter();
            self.emit_with(now, event, &mut |_| contacts.next().map(|contact| (*contact).clone()));
        }
        for at in places {
            self.plan_member(id, at as usize);
            self.after_change(now, id, at);
        }
    }
}

impl Campaign {
    pub(crate) fn member(&self, recipient: RecipientId) -> Option<&Member> {
        self.members.get(*self.index.get(&recipient)? as usize)
    }

    /// Somebody in the campaign has other numbers from now on (first version of the records: they were added again): a fresh
    /// start, unless the message has reached them. `listed` as in [`Member::new`].
    pub(crate) fn renew(&mut self, at: usize, contact: Option<&Contact>, listed: Option<u8>) {
        self.drop_numbers(at);
        let Some(member) = self.members.get_mut(at) else { return };
        let fresh = Member::new(member.recipient, contact, listed, member.wave);
        for (slot, new) in member.slots.iter_mut().zip(fresh.slots) {
            *slot = Slot {
                live: slot.live,
                is_spared: slot.is_spared && slot.number == new.number,
                ..new
            };
        }
        member.language = fresh.language;
        member.refresh();
        let has_number = member.has_number(&self.policy);
        member.is_withdrawn = !has_number;
        let state = member.state;
        self.note_numbers(at);
        if has_number && self.is_open() && !matches!(state, FinalState::Confirmed | FinalState::Informed) {
            self.set(at, FinalState::Pending);
        }
        self.settle(at);
    }

    /// Somebody has other numbers, and the campaign is over. Follows from the directory, not from a record, and so is done
    /// again at each start.
    fn renumber(&mut self, contact: &Contact) {
        let Some(at) = self.index.get(&contact.recipient).map(|at| *at as usize) else {
            return;
        };
        self.drop_numbers(at);
        let Some(member) = self.members.get_mut(at) else { return };
        let fresh = Member::new(member.recipient, Some(contact), None, member.wave);
        for (slot, new) in member.slots.iter_mut().zip(fresh.slots) {
            slot.number = new.number;
        }
        self.note_numbers(at);
    }

    /// Keeps who has which number, where that is kept.
    pub(crate) fn note_numbers(&mut self, at: usize) {
        if self.policy.shared_numbers != SharedNumbers::Once {
            return;
        }
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let Some(member) = self.members.get(at) else { return };
        for (slot, known) in (0u8..).zip(&member.slots) {
            let Some(number) = known.number else { continue };
            self.by_number.entry(number).or_default().push((place, slot));
        }
    }

    /// The opposite of [`Campaign::note_numbers`].
    pub(crate) fn drop_numbers(&mut self, at: usize) {
        for slot in self.members.get(at).map_or(&[][..], |member| &member.slots) {
            if let Some(sharers) = slot.number.and_then(|number| self.by_number.get_mut(&number)) {
                sharers.retain(|(sharer, _)| *sharer as usize != at);
            }
        }
    }
}
