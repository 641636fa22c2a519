use std::sync::{Arc, OnceLock};

use crate::bits::Bits;
use crate::column::{Column, ManyColumn};
use crate::number_index::Numbers;
use crate::selection::{Field, MAX_DEPTH, Test};
use crate::{Content, Gazetteer, List, ListId, Recipient, RecipientId, Selection, SelectionError};

/// What selections are evaluated over: one column a field.
///
/// Columns are made when first asked for. A change of one recipient publishes a new index, and the columns of names or
/// addresses, which cost most, are seldom asked for.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) rows: Vec<Arc<Recipient>>,
    gazetteer: Arc<Gazetteer>,
    name: OnceLock<Column>,
    first_name: OnceLock<Column>,
    function: OnceLock<Column>,
    domain: OnceLock<Column>,
    key: OnceLock<Column>,
    email: OnceLock<Column>,
    language: OnceLock<Column>,
    commune_name: OnceLock<Column>,
    commune: OnceLock<Vec<u16>>,
    groups: OnceLock<ManyColumn>,
    numbers: OnceLock<Numbers>,
    pub(crate) ids: Vec<RecipientId>,
    subscribed: Bits,
}

/// The commune of those who have none, or one that the gazetteer does not know.
pub(crate) const NOWHERE: u16 = u16::MAX;

impl Index {
    /// Indexes rows of rising ids.
    pub(crate) fn new(rows: Vec<Arc<Recipient>>, gazetteer: Arc<Gazetteer>) -> Index {
        let subscribed: Vec<bool> = rows.iter().map(|recipient| !recipient.unsubscribed).collect();
        Index {
            ids: rows.iter().map(|recipient| recipient.id).collect(),
            subscribed: Bits::of(&subscribed, |is| is),
            rows,
            gazetteer,
            name: OnceLock::new(),
            first_name: OnceLock::new(),
            function: OnceLock::new(),
            domain: OnceLock::new(),
            key: OnceLock::new(),
            email: OnceLock::new(),
            language: OnceLock::new(),
            commune_name: OnceLock::new(),
            commune: OnceLock::new(),
            groups: OnceLock::new(),
            numbers: OnceLock::new(),
        }
    }

    /// Makes every column now, so that no selection has to.
    pub(crate) fn warm(&self) {
        self.numbers();
        self.commune_name();
        self.groups();
        self.column(&self.function, |recipient| &recipient.function);
        self.column(&self.domain, |recipient| &recipient.domain);
        self.column(&self.language, |recipient| recipient.language.code());
        self.name();
        self.first_name();
        self.column(&self.key, |recipient| &recipient.key);
        self.column(&self.email, |recipient| recipient.email.as_deref().unwrap_or_default());
    }

    pub(crate) fn name(&self) -> &Column {
        self.column(&self.name, |recipient| &recipient.name)
    }

    pub(crate) fn first_name(&self) -> &Column {
        self.column(&self.first_name, |recipient| &recipient.first_name)
    }

    /// For each row the place of its commune in the gazetteer, or [`NOWHERE`].
    pub(crate) fn commune(&self) -> &[u16] {
        let place = |recipient: &Arc<Recipient>| {
            let place = recipient.commune.and_then(|insee| self.gazetteer.index(insee));
            place.and_then(|place| u16::try_from(place).ok()).unwrap_or(NOWHERE)
        };
        self.commune.get_or_init(|| self.rows.iter().map(place).collect())
    }

    fn commune_name(&self) -> &Column {
        let communes = self.gazetteer.communes();
        let name = |place: &u16| {
            communes
                .get(usize::from(*place))
                .map_or("", |commune| commune.name.as_str())
        };
        self.commune_name
            .get_or_init(|| Column::new(self.commune().iter().map(name)))
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        self.numbers.get_or_init(|| Numbers::new(&self.rows))
    }

    fn groups(&self) -> &ManyColumn {
        self.groups
            .get_or_init(|| ManyColumn::new(self.rows.iter().map(|recipient| recipient.groups.as_slice())))
    }

    fn column<'a>(&'a self, column: &'a OnceLock<Column>, text: fn(&Recipient) -> &str) -> &'a Column {
        column.get_or_init(|| Column::new(self.rows.iter().map(|recipient| text(recipient))))
    }

    /// The rows that a selection chooses, those who unsubscribed included.
    pub(crate) fn evaluate(&self, selection: &Selection, lists: &[Arc<List>]) -> Result<Bits, SelectionError> {
        Evaluation {
            index: self,
            lists,
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
            Field::Key => self.column(&self.key, |recipient| &recipient.key).matching(test),
            Field::Name => self.name().matching(test),
            Field::FirstName => self.first_name().matching(test),
            Field::Function => self
                .column(&self.function, |recipient| &recipient.function)
                .matching(test),
            Field::Domain => self.column(&self.domain, |recipient| &recipient.domain).matching(test),
            Field::Commune => self.commune_name().matching(test),
            Field::Email => self
                .column(&self.email, |recipient| recipient.email.as_deref().unwrap_or_default())
                .matching(test),
            Field::Language => self
                .column(&self.language, |recipient| recipient.language.code())
                .matching(test),
            Field::Group => self.groups().matching(test, self.len()),
            Field::Kind => self.numbers().of_kind(test),
            Field::Use => self.numbers().of_use(test),
            Field::Number => self.numbers().matching(test)?,
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
}

struct Evaluation<'a> {
    index: &'a Index,
    lists: &'a [Arc<List>],
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
                let inside = zone.communes(&self.index.gazetteer)?;
                Bits::of(self.index.commune(), |place| {
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
