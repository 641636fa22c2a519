//! Making one recipient of several that are the same person.

use std::sync::Arc;

use crate::recipient::fold;
use crate::store::{Shared, StoreError, encode, list_key, recipient_key};
use crate::{Content, E164, List, MAX_NUMBERS, Recipient, RecipientId, Selection};

/// What became of the merged recipients.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Merged {
    /// The one that stayed.
    pub recipient: RecipientId,
    /// Numbers that found no place, since a recipient has at most [`MAX_NUMBERS`].
    pub dropped: Vec<E164>,
}

impl Shared {
    /// Makes one recipient of several: `keep` keeps its id and what it holds, takes from the others what it lacks, and
    /// their places in lists; the others are removed. Who unsubscribed under one name has unsubscribed.
    pub fn merge(&self, keep: RecipientId, others: &[RecipientId]) -> Result<Merged, StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        let find = |id: RecipientId| now.recipient(id).cloned().ok_or(StoreError::NoSuchRecipient(id));
        let mut one = Recipient::clone(&*find(keep)?);
        let mut dropped = Vec::new();
        let others: Vec<RecipientId> = others.iter().copied().filter(|other| *other != keep).collect();
        for other in &others {
            take_from(&mut one, &*find(*other)?, &mut dropped);
        }
        one.revision += 1;
        let mut batch = sled::Batch::default();
        store.mark_changed(&mut batch, &*find(keep)?, &one);
        batch.insert(recipient_key(keep), encode(&one));
        let mut lists = now.lists().to_vec();
        for list in &mut lists {
            if let Some(content) = replaced(&list.content, keep, &others) {
                let changed = List {
                    content,
                    ..List::clone(list)
                };
                batch.insert(list_key(changed.id), encode(&changed));
                *list = Arc::new(changed);
            }
        }
        let mut rows = now.recipients().to_vec();
        rows.push(Arc::new(one));
        self.remove_from(&mut store, rows, lists, &others, Some(keep), batch)?;
        Ok(Merged {
            recipient: keep,
            dropped,
        })
    }
}

fn take_from(one: &mut Recipient, other: &Recipient, dropped: &mut Vec<E164>) {
    let fill = |mine: &mut String, theirs: &String| {
        if mine.is_empty() {
            mine.clone_from(theirs);
        }
    };
    fill(&mut one.key, &other.key);
    fill(&mut one.name, &other.name);
    fill(&mut one.first_name, &other.first_name);
    fill(&mut one.function, &other.function);
    fill(&mut one.domain, &other.domain);
    one.commune = one.commune.or(other.commune);
    if one.email.is_none() {
        one.email.clone_from(&other.email);
    }
    for number in &other.numbers {
        if one.has_number(number.e164) {
            continue;
        }
        if one.numbers.len() < MAX_NUMBERS {
            one.numbers.push(*number);
        } else if !dropped.contains(&number.e164) {
            dropped.push(number.e164);
        }
    }
    for group in &other.groups {
        if !one.groups.iter().any(|mine| fold(mine) == fold(group)) {
            one.groups.push(group.clone());
        }
    }
    one.unsubscribed |= other.unsubscribed;
}

/// The content with the others' places given to the one that stays; `None` when none of them is named.
fn replaced(content: &Content, keep: RecipientId, others: &[RecipientId]) -> Option<Content> {
    match content {
        Content::Static(members) => swap(members, keep, others).map(Content::Static),
        Content::Live(selection) => in_selection(selection, keep, others).map(Content::Live),
    }
}

fn swap(members: &[RecipientId], keep: RecipientId, others: &[RecipientId]) -> Option<Vec<RecipientId>> {
    if !members.iter().any(|member| others.contains(member)) {
        return None;
    }
    let mut members: Vec<RecipientId> = members
        .iter()
        .map(|member| if others.contains(member) { keep } else { *member })
        .collect();
    members.sort_unstable();
    members.dedup();
    Some(members)
}

fn in_selection(selection: &Selection, keep: RecipientId, others: &[RecipientId]) -> Option<Selection> {
    let all = |parts: &[Selection]| {
        let changed: Vec<Option<Selection>> = parts.iter().map(|part| in_selection(part, keep, others)).collect();
        changed.iter().any(Option::is_some).then(|| {
            changed
                .into_iter()
                .zip(parts)
                .map(|(changed, part)| changed.unwrap_or_else(|| part.clone()))
                .collect::<Vec<_>>()
        })
    };
    match selection {
        Selection::And(parts) => all(parts).map(Selection::And),
        Selection::Or(parts) => all(parts).map(Selection::Or),
        Selection::Not(part) => in_selection(part, keep, others).map(|part| Selection::Not(Box::new(part))),
        Selection::Recipients(members) => swap(members, keep, others).map(Selection::Recipients),
        Selection::All | Selection::Field { .. } | Selection::Zone(_) | Selection::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PhoneNumber, Store};

    fn person(name: &str, numbers: &[&str]) -> Recipient {
        Recipient {
            name: name.into(),
            numbers: numbers
                .iter()
                .map(|text| PhoneNumber::new(E164::parse(text).unwrap()))
                .collect(),
            ..Recipient::default()
        }
    }

    #[test]
    fn one_takes_over_what_the_others_had_and_their_places() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let keep = shared.save(person("Martin", &["0199000001", "0639980001"])).unwrap();
        let second = Recipient {
            function: "Maire".into(),
            groups: vec!["Crue".into()],
            unsubscribed: true,
            ..person("MARTIN", &["0199000001", "0199000002"])
        };
        let second = shared.save(second).unwrap();
        let third = shared.save(person("Martin J.", &["0199000003"])).unwrap();
        let list = shared
            .create_list("Astreinte", Content::Static(vec![second, third]))
            .unwrap();
        let live = Selection::Not(Box::new(Selection::Recipients(vec![third])));
        let live = shared.create_list("Sauf", Content::Live(live)).unwrap();
        let merged = shared.merge(keep, &[second, keep, third]).unwrap();
        assert_eq!(merged.recipient, keep);
        assert_eq!(merged.dropped, [E164::parse("0199000003").unwrap()]);
        let now = shared.snapshot();
        assert_eq!(now.len(), 1);
        let one = now.recipient(keep).unwrap();
        assert_eq!(
            (one.name.as_str(), one.function.as_str(), one.numbers.len()),
            ("Martin", "Maire", 3)
        );
        assert!(one.unsubscribed && one.groups == ["Crue"]);
        assert_eq!(now.list(list).unwrap().content, Content::Static(vec![keep]));
        let expected = Selection::Not(Box::new(Selection::Recipients(vec![keep])));
        assert_eq!(now.list(live).unwrap().content, Content::Live(expected));
    }

    #[test]
    fn nobody_is_merged_with_somebody_who_is_not_there() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let keep = shared.save(person("Martin", &["0199000001"])).unwrap();
        let gone = RecipientId(99);
        assert!(matches!(shared.merge(keep, &[gone]), Err(StoreError::NoSuchRecipient(id)) if id == gone));
        assert_eq!(
            shared.snapshot().recipient(keep).unwrap().revision,
            1,
            "nothing was changed"
        );
    }
}
