use std::sync::Arc;

use crate::bits::Bits;
use crate::column::{Column, ManyColumn};
use crate::number_index::Numbers;
use crate::selection::{Field, MAX_DEPTH, Test};
use crate::{Content, E164, Gazetteer, List, ListId, Recipient, RecipientId, Selection, SelectionError};

/// What selections are evaluated over: one column a field.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) ids: Vec<RecipientId>,
    pub(crate) name: Column,
    pub(crate) first_name: Column,
    function: Column,
    domain: Column,
    key: Column,
    email: Column,
    language: Column,
    commune_name: Column,
    /// Place in the gazetteer, or [`NOWHERE`].
    pub(crate) commune: Vec<u16>,
    groups: ManyColumn,
    pub(crate) numbers: Numbers,
    subscribed: Bits,
}

/// The commune of those who have none, or one that the gazetteer does not know.
pub(crate) const NOWHERE: u16 = u16::MAX;

impl Index {
    pub(crate) fn new(rows: &[Arc<Recipient>], gazetteer: &Gazetteer) -> Index {
        let commune: Vec<u16> = rows
            .iter()
            .map(|recipient| recipient.commune.and_then(|insee| gazetteer.index(insee)))
            .map(|place| place.and_then(|place| u16::try_from(place).ok()).unwrap_or(NOWHERE))
            .collect();
        let column = |text: fn(&Recipient) -> &str| Column::new(rows.iter().map(|recipient| text(recipient)));
        Index {
            ids: rows.iter().map(|recipient| recipient.id).collect(),
            name: column(|recipient| &recipient.name),
            first_name: column(|recipient| &recipient.first_name),
            function: column(|recipient| &recipient.function),
            domain: column(|recipient| &recipient.domain),
            key: column(|recipient| &recipient.key),
            email: column(|recipient| recipient.email.as_deref().unwrap_or_default()),
            language: Column::new(rows.iter().map(|recipient| recipient.language.code())),
            commune_name: Column::new(commune.iter().map(|place| {
                gazetteer
                    .communes()
                    .get(usize::from(*place))
                    .map_or("", |commune| commune.name.as_str())
            })),
            groups: ManyColumn::new(rows.iter().map(|recipient| recipient.groups.as_slice())),
            numbers: Numbers::new(rows),
            subscribed: Bits::of(
                &rows.iter().map(|recipient| !recipient.unsubscribed).collect::<Vec<_>>(),
                |is| is,
            ),
            commune,
        }
    }

    /// The rows that a selection chooses, those who unsubscribed included.
    pub(crate) fn evaluate(
        &self,
        selection: &Selection,
        lists: &[Arc<List>],
        gazetteer: &Gazetteer,
    ) -> Result<Bits, SelectionError> {
        Evaluation {
            index: self,
            lists,
            gazetteer,
            path: Vec::new(),
        }
        .selection(selection, 0)
    }

    /// Leaves out those who unsubscribed.
    pub(crate) fn keep_subscribed(&self, bits: &mut Bits) {
        bits.and(&self.subscribed);
    }

    fn len(&self) -> usize {
        self.ids.len()
    }

    fn field(&self, field: Field, test: &Test) -> Result<Bits, SelectionError> {
        Ok(match field {
            Field::Key => self.key.matching(test),
            Field::Name => self.name.matching(test),
            Field::FirstName => self.first_name.matching(test),
            Field::Function => self.function.matching(test),
            Field::Domain => self.domain.matching(test),
            Field::Commune => self.commune_name.matching(test),
            Field::Email => self.email.matching(test),
            Field::Language => self.language.matching(test),
            Field::Group => self.groups.matching(test, self.len()),
            Field::Kind => self.numbers.of_kind(test),
            Field::Number => self.numbers.matching(test)?,
        })
    }

    /// Rows of these ids; ids that are not there any more are passed over.
    fn rows_of(&self, ids: &[RecipientId]) -> Bits {
        let mut bits = Bits::none(self.len());
        if !ids.is_sorted() {
            let mut sorted = ids.to_vec();
            sorted.sort_unstable();
            return self.rows_of(&sorted);
        }
        let mut row = 0;
        for id in ids {
            // Ids are mostly dense, so the next one is near.
            while row < self.ids.len() && self.ids[row] < *id {
                row += 1;
            }
            if self.ids.get(row) == Some(id) {
                bits.insert(row);
            }
        }
        bits
    }

    /// Those who have this number.
    pub(crate) fn rows_with(&self, number: E164) -> impl Iterator<Item = usize> {
        self.numbers.rows_with(number)
    }
}

struct Evaluation<'a> {
    index: &'a Index,
    lists: &'a [Arc<List>],
    gazetteer: &'a Gazetteer,
    /// Lists being evaluated, to find those defined by themselves.
    path: Vec<ListId>,
}

impl Evaluation<'_> {
    fn selection(&mut self, selection: &Selection, depth: usize) -> Result<Bits, SelectionError> {
        if depth > MAX_DEPTH {
            return Err(SelectionError::TooDeep);
        }
        let len = self.index.len();
        Ok(match selection {
            Selection::All => Bits::all(len),
            Selection::And(parts) => {
                let mut all = Bits::all(len);
                for part in parts {
                    all.and(&self.selection(part, depth + 1)?);
                }
                all
            }
            Selection::Or(parts) => {
                let mut any = Bits::none(len);
                for part in parts {
                    any.or(&self.selection(part, depth + 1)?);
                }
                any
            }
            Selection::Not(part) => {
                let mut rest = self.selection(part, depth + 1)?;
                rest.not();
                rest
            }
            Selection::Field { field, test } => self.index.field(*field, test)?,
            Selection::Zone(zone) => {
                let inside = zone.communes(self.gazetteer)?;
                Bits::of(&self.index.commune, |place| {
                    inside.get(usize::from(place)).copied().unwrap_or(false)
                })
            }
            Selection::List(id) => self.list(*id, depth)?,
            Selection::Recipients(ids) => self.index.rows_of(ids),
        })
    }

    fn list(&mut self, id: ListId, depth: usize) -> Result<Bits, SelectionError> {
        if self.path.contains(&id) {
            return Err(SelectionError::Cycle(id));
        }
        let place = self.lists.binary_search_by_key(&id, |list| list.id);
        let list = place
            .map(|place| Arc::clone(&self.lists[place]))
            .map_err(|_| SelectionError::NoSuchList(id))?;
        match &list.content {
            Content::Static(members) => Ok(self.index.rows_of(members)),
            Content::Live(selection) => {
                self.path.push(id);
                let bits = self.selection(selection, depth + 1);
                self.path.pop();
                bits
            }
        }
    }
}
