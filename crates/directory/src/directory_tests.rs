use super::*;
use crate::{Content, Field, Language, PhoneNumber, Position, Test, Zone};

/// Six people: ids 1 to 6.
fn directory() -> Directory {
    let number = |text: &str| PhoneNumber::new(E164::parse(text).unwrap());
    let person = |id: u64, name: &str, function: &str, commune: &str, numbers: &[&str]| Recipient {
        id: RecipientId(id),
        key: format!("k{id}"),
        name: name.into(),
        function: function.into(),
        domain: if function == "Médecin" {
            "Santé".into()
        } else {
            "Élus".into()
        },
        commune: Gazetteer::somme().find(commune).ok().map(|commune| commune.insee),
        numbers: numbers.iter().map(|text| number(text)).collect(),
        ..Recipient::default()
    };
    let mut rows = vec![
        person(1, "Martin", "Maire", "Amiens", &["01 99 00 00 01", "06 39 98 00 01"]),
        person(2, "Petit", "Adjoint", "Amiens", &["06 39 98 00 02"]),
        person(3, "Durand", "Maire", "Abbeville", &["01 99 00 00 03"]),
        person(4, "MARTIN", "Médecin", "Amiens", &["01 99 00 00 01"]),
        person(5, "Lévêque", "Maire", "Péronne", &[]),
        person(6, "Parti", "Maire", "Amiens", &["06 39 98 00 06"]),
    ];
    rows[1].groups = vec!["Crue".into()];
    rows[4].groups = vec!["Crue".into(), "Neige".into()];
    rows[4].email = Some("maire@peronne.example".into());
    rows[3].language = Language::ENGLISH;
    rows[5].unsubscribed = true;
    let live = |id: u64, selection: Selection| {
        Arc::new(List {
            id: ListId(id),
            name: format!("Liste {id}"),
            content: Content::Live(selection),
        })
    };
    let fixed = List {
        id: ListId(1),
        name: "Fixe".into(),
        content: Content::Static(vec![RecipientId(3), RecipientId(99)]),
    };
    let lists = vec![
        Arc::new(fixed),
        live(2, is(Field::Function, "maire")),
        live(3, Selection::List(ListId(4))),
        live(4, Selection::Not(Box::new(Selection::List(ListId(3))))),
        live(5, Selection::List(ListId(2))),
    ];
    Directory::new(rows.into_iter().map(Arc::new).collect(), lists, Gazetteer::somme())
}

fn is(field: Field, text: &str) -> Selection {
    Selection::Field {
        field,
        test: Test::Is(text.into()),
    }
}

fn not(selection: Selection) -> Selection {
    Selection::Not(Box::new(selection))
}

#[test]
fn selections_choose_by_every_field_and_leave_out_the_unsubscribed() {
    let directory = directory();
    let field = |field, test| Selection::Field { field, test };
    let text = |text: &str| text.to_owned();
    let cases: Vec<(Selection, &[u64])> = vec![
        (Selection::All, &[1, 2, 3, 4, 5]),
        (is(Field::Function, "MAIRE"), &[1, 3, 5]),
        (is(Field::Domain, "sante"), &[4]),
        (is(Field::Key, "k3"), &[3]),
        (field(Field::Name, Test::StartsWith(text("mart"))), &[1, 4]),
        (field(Field::Name, Test::Contains(text("evêq"))), &[5]),
        (field(Field::FirstName, Test::IsEmpty), &[1, 2, 3, 4, 5]),
        (is(Field::Commune, "amiens"), &[1, 2, 4]),
        (field(Field::Email, Test::Contains(text("peronne"))), &[5]),
        (is(Field::Language, "en"), &[4]),
        (is(Field::Group, "crue"), &[2, 5]),
        (field(Field::Group, Test::IsEmpty), &[1, 3, 4]),
        (is(Field::Kind, "mobile"), &[1, 2]),
        (
            field(Field::Kind, Test::IsOneOf(vec![text("fixe"), text("mobile")])),
            &[1, 2, 3, 4],
        ),
        (is(Field::Use, "SMS"), &[1, 2]),
        (is(Field::Use, "voix"), &[1, 2, 3, 4]),
        (not(is(Field::Use, "sms")), &[3, 4, 5]),
        (field(Field::Use, Test::IsEmpty), &[5]),
        (is(Field::Use, "mobile"), &[]),
        (is(Field::Kind, "sms"), &[]),
        (field(Field::Kind, Test::IsEmpty), &[5]),
        (field(Field::Number, Test::IsEmpty), &[5]),
        (is(Field::Number, "+33 1 99 00 00 01"), &[1, 4]),
        (field(Field::Number, Test::StartsWith(text("06 39"))), &[1, 2]),
        (field(Field::Number, Test::StartsWith(text("+33 1"))), &[1, 3, 4]),
        (field(Field::Number, Test::StartsWith(text("0033 1"))), &[1, 3, 4]),
        (field(Field::Number, Test::Contains(text("00 03"))), &[3]),
        (
            Selection::And(vec![is(Field::Function, "maire"), not(is(Field::Commune, "Amiens"))]),
            &[3, 5],
        ),
        (
            Selection::Or(vec![is(Field::Group, "neige"), is(Field::Key, "k1")]),
            &[1, 5],
        ),
        (Selection::And(vec![]), &[1, 2, 3, 4, 5]),
        (Selection::Or(vec![]), &[]),
        (Selection::Zone(Zone::Arrondissement("801".into())), &[3]),
        (not(Selection::Zone(Zone::Arrondissement("801".into()))), &[1, 2, 4, 5]),
        (Selection::Zone(Zone::Arrondissement("abbeville".into())), &[3]),
        (Selection::Zone(Zone::Epci("CA de la baie de Somme".into())), &[3]),
        (Selection::Zone(Zone::Canton("".into())), &[]),
        (Selection::List(ListId::GLOBAL), &[1, 2, 3, 4, 5]),
        (Selection::List(ListId(1)), &[3]),
        (Selection::List(ListId(5)), &[1, 3, 5]),
        (
            Selection::Recipients(vec![RecipientId(4), RecipientId(2), RecipientId(2), RecipientId(77)]),
            &[2, 4],
        ),
    ];
    for (selection, expected) in cases {
        let chosen: Vec<u64> = directory
            .select(&selection)
            .unwrap()
            .into_iter()
            .map(|id| id.0)
            .collect();
        assert_eq!(chosen, expected, "{selection:?}");
        assert_eq!(directory.count(&selection), Ok(expected.len()), "{selection:?}");
    }
    assert_eq!(
        directory.search(&is(Field::Function, "maire")).unwrap().len(),
        4,
        "a search shows everybody"
    );
}

#[test]
fn selections_that_cannot_be_evaluated_say_why() {
    let directory = directory();
    let mut deep = Selection::All;
    for _ in 0..200 {
        deep = not(deep);
    }
    let center = Position {
        latitude: f64::INFINITY,
        longitude: 0.0,
    };
    let cases = [
        (Selection::List(ListId(9)), SelectionError::NoSuchList(ListId(9))),
        (Selection::List(ListId(3)), SelectionError::Cycle(ListId(3))),
        (deep, SelectionError::TooDeep),
        (
            Selection::Zone(Zone::Circle { center, radius_m: 1.0 }),
            SelectionError::Shape,
        ),
        (
            Selection::Field {
                field: Field::Number,
                test: Test::Contains("mairie".into()),
            },
            SelectionError::NoDigits("mairie".into()),
        ),
    ];
    for (selection, expected) in cases {
        assert_eq!(directory.select(&selection), Err(expected));
    }
}

#[test]
fn selections_are_kept_as_readable_json() {
    let json = r#"{"and":[{"field":{"field":"function","test":{"is":"maire"}}},{"zone":{"arrondissement":"802"}},{"not":"all"}]}"#;
    let selection: Selection = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&selection).unwrap(), json);
    let deep = format!("{}\"all\"{}", "{\"not\":".repeat(5000), "}".repeat(5000));
    assert!(
        serde_json::from_str::<Selection>(&deep).is_err(),
        "no stack is lost to a hostile selection"
    );
}

#[test]
fn duplicates_are_found_by_number_and_by_person() {
    let twins = [RecipientId(1), RecipientId(4)].to_vec();
    let number = E164::parse("0199000001").unwrap();
    assert_eq!(
        directory().duplicates(),
        [
            Duplicate::SameNumber {
                number,
                recipients: twins.clone()
            },
            Duplicate::SamePerson { recipients: twins }
        ]
    );
}

#[test]
fn recipients_and_lists_are_found_by_what_they_are_called() {
    let directory = directory();
    assert_eq!(directory.by_key("k2").unwrap().name, "Petit");
    assert!(directory.by_key("").is_none());
    assert_eq!(directory.by_number(E164::parse("0199000001").unwrap()).count(), 2);
    assert_eq!(directory.list_named("LISTE 2").unwrap().id, ListId(2));
    assert_eq!(directory.list(ListId::GLOBAL).unwrap().name, "Liste d'alerte globale");
    assert!(Directory::empty().select(&Selection::All).unwrap().is_empty());
}
