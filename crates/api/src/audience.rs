//! Whom a campaign reaches: lists, selections and waves turned into contacts, each person once.

use std::collections::{HashMap, HashSet};

use dialer::{Contact, Contacts, Medium, Policy};
use directory::{Directory, E164, RecipientId, Selection};

use crate::problem::Problem;
use crate::rooms::{Named, chosen};

/// What an operator chose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chosen {
    /// Lists that are reached together; none: the global alert list, or the selection alone.
    pub(crate) lists: Vec<Named>,
    /// Lists that are called one after the other (escalation).
    pub(crate) waves: Vec<Named>,
    /// Narrows every list down.
    pub(crate) selection: Option<Selection>,
    /// Two entries of the directory that are the same person count once.
    pub(crate) merge: bool,
}

/// Who is reached, and what was left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audience {
    pub(crate) contacts: Vec<Contact>,
    /// People chosen who have no number for the policy's media.
    pub(crate) without_number: usize,
    /// Times that somebody was in more than one list.
    pub(crate) in_several_lists: usize,
    /// Entries left out because another one is the same person.
    pub(crate) same_person: usize,
    /// People who share a telephone with somebody before them.
    pub(crate) sharing: usize,
}

/// Gathers the people who are to be reached, in order.
pub(crate) fn gather(directory: &Directory, wanted: &Chosen, policy: &Policy) -> Result<Audience, Problem> {
    let selection = wanted.selection.as_ref();
    let mut groups: Vec<(u8, Vec<RecipientId>)> = Vec::new();
    if !wanted.waves.is_empty() {
        for (wave, named) in (0u8..=u8::MAX).zip(&wanted.waves) {
            groups.push((wave, chosen(directory, Some(named), selection)?));
        }
    } else if wanted.lists.is_empty() {
        groups.push((0, chosen(directory, None, selection)?));
    } else {
        for named in &wanted.lists {
            groups.push((0, chosen(directory, Some(named), selection)?));
        }
    }
    let mut audience = Audience::default();
    let mut seen = HashSet::new();
    let mut by_number: HashMap<E164, Vec<RecipientId>> = HashMap::new();
    for (wave, id) in groups
        .into_iter()
        .flat_map(|(wave, ids)| ids.into_iter().map(move |id| (wave, id)))
    {
        if !seen.insert(id) {
            audience.in_several_lists += 1;
            continue;
        }
        let Some(mut contact) = directory.contact(id).filter(|contact| is_reachable(contact, policy)) else {
            audience.without_number += 1;
            continue;
        };
        let sharers = |number: &E164| by_number.get(number).into_iter().flatten();
        let numbers = || contact.numbers.iter().chain(&contact.texts);
        if wanted.merge && numbers().flat_map(sharers).any(|other| is_same(directory, id, *other)) {
            audience.same_person += 1;
            continue;
        }
        audience.sharing += usize::from(numbers().any(|number| by_number.contains_key(number)));
        let own: HashSet<E164> = numbers().copied().collect();
        own.into_iter()
            .for_each(|number| by_number.entry(number).or_default().push(id));
        contact.wave = wave;
        audience.contacts.push(contact);
    }
    Ok(audience)
}

fn is_reachable(contact: &Contact, policy: &Policy) -> bool {
    policy.uses(Medium::Voice) && !contact.numbers.is_empty() || policy.uses(Medium::Text) && !contact.texts.is_empty()
}

fn is_same(directory: &Directory, one: RecipientId, other: RecipientId) -> bool {
    match (directory.recipient(one), directory.recipient(other)) {
        (Some(one), Some(other)) => one.is_same_person(other),
        _ => false,
    }
}
