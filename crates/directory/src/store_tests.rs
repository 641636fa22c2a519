use super::*;
use crate::import::{self, Import};
use crate::{E164, Field, PhoneNumber, Selection, Target, Test};

fn shared() -> Shared {
    Shared::new(Store::temporary().unwrap()).unwrap()
}

fn person(name: &str, number: &str) -> Recipient {
    let numbers = vec![PhoneNumber::new(E164::parse(number).unwrap())];
    Recipient {
        key: name.to_lowercase(),
        name: name.into(),
        numbers,
        ..Recipient::default()
    }
}

fn file(shared: &Shared, text: &str) -> Import {
    import::read(
        text.as_bytes(),
        "maires.csv",
        &import::Options::default(),
        &shared.snapshot(),
    )
    .unwrap()
}

const MAYORS: &str = "id;Nom;Fonction;Tél\n1;Martin;Maire;0199000001\n2;Petit;Maire;0199000002\n";

#[test]
fn everything_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (id, list) = {
        let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
        let id = shared.save(person("Martin", "0199000001")).unwrap();
        let gone = shared.save(person("Petit", "0199000002")).unwrap();
        shared.remove(&[gone]).unwrap();
        (id, shared.create_list("Astreinte", Content::Static(vec![id])).unwrap())
    };
    let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
    let now = shared.snapshot();
    assert_eq!(now.len(), 1);
    assert_eq!(now.recipient(id).unwrap().name, "Martin");
    assert_eq!(now.members(list).unwrap(), [id]);
    let next = shared.save(person("Durand", "0199000003")).unwrap();
    assert_eq!(next.0, 3, "an id is never given twice, even that of somebody removed");
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let shared = shared();
    let before = shared.snapshot();
    shared.save(person("Martin", "0199000001")).unwrap();
    assert!(before.is_empty());
    assert_eq!(shared.snapshot().len(), 1);
}

#[test]
fn two_people_do_not_overwrite_each_other() {
    let shared = shared();
    let id = shared.save(person("Martin", "0199000001")).unwrap();
    let read = Recipient::clone(shared.snapshot().recipient(id).unwrap());
    shared
        .save(Recipient {
            function: "Maire".into(),
            ..read.clone()
        })
        .unwrap();
    assert!(
        matches!(shared.save(Recipient { function: "Adjoint".into(), ..read }), Err(StoreError::Stale(stale)) if stale == id)
    );
    assert_eq!(shared.snapshot().recipient(id).unwrap().function, "Maire");
}

#[test]
fn wrong_changes_are_refused_and_change_nothing() {
    let shared = shared();
    let id = shared.save(person("Martin", "0199000001")).unwrap();
    let list = shared.create_list("Maires", Content::Static(vec![])).unwrap();
    let four = Recipient {
        numbers: vec![person("x", "0199000009").numbers[0]; 4],
        ..person("Petit", "0199000002")
    };
    assert!(matches!(shared.save(four), Err(StoreError::TooManyNumbers)));
    assert!(matches!(
        shared.save(person("MARTIN", "0199000002")),
        Err(StoreError::KeyTaken(_))
    ));
    assert!(matches!(
        shared.save(Recipient {
            id: RecipientId(9),
            ..person("P", "0199000002")
        }),
        Err(StoreError::NoSuchRecipient(_))
    ));
    assert!(matches!(
        shared.remove(&[id, RecipientId(9)]),
        Err(StoreError::NoSuchRecipient(_))
    ));
    assert!(matches!(
        shared.create_list("maires", Content::Static(vec![])),
        Err(StoreError::NameTaken(_))
    ));
    assert!(matches!(shared.save_list(List::global()), Err(StoreError::GlobalList)));
    assert!(matches!(
        shared.remove_list(ListId::GLOBAL),
        Err(StoreError::GlobalList)
    ));
    assert!(matches!(shared.remove_list(ListId(77)), Err(StoreError::NoSuchList(_))));
    assert_eq!(shared.snapshot().len(), 1);
    shared.remove_list(list).unwrap();
    assert_eq!(shared.snapshot().lists().len(), 1);
}

#[test]
fn more_than_ten_lists_are_kept_static_and_live() {
    let shared = shared();
    let id = shared
        .save(Recipient {
            function: "Maire".into(),
            ..person("Martin", "0199000001")
        })
        .unwrap();
    let mayors = Selection::Field {
        field: Field::Function,
        test: Test::Is("maire".into()),
    };
    for n in 0..30 {
        let content = if n % 2 == 0 {
            Content::Static(vec![id, id])
        } else {
            Content::Live(mayors.clone())
        };
        let list = shared.create_list(&format!("Liste {n}"), content).unwrap();
        assert_eq!(shared.snapshot().members(list).unwrap(), [id]);
    }
    let second = shared
        .save(Recipient {
            function: "Maire".into(),
            ..person("Petit", "0199000002")
        })
        .unwrap();
    assert_eq!(
        shared.snapshot().members(ListId(2)).unwrap(),
        [id, second],
        "a selection stays live"
    );
    assert_eq!(shared.snapshot().members(ListId(1)).unwrap(), [id]);
}

#[test]
fn an_import_creates_then_updates_by_key_then_changes_nothing() {
    let shared = shared();
    let first = file(&shared, MAYORS);
    assert_eq!(shared.plan(&first).created, 2);
    assert!(shared.snapshot().is_empty(), "a dry run changes nothing");
    let applied = shared.apply(&first, &Target::List("Maires".into()), 5).unwrap();
    assert_eq!((applied.plan.created, applied.plan.updated), (2, 0));
    assert_eq!(
        shared.snapshot().members(applied.list.unwrap()).unwrap(),
        applied.recipients
    );
    assert_eq!(shared.plan(&first).unchanged, 2);

    let second = file(&shared, "id;Nom;Tél\n2;Petit-Jean;0199000022\n3;Durand;0199000003\n");
    let again = shared.apply(&second, &Target::AddToList("maires".into()), 6).unwrap();
    assert_eq!((again.plan.created, again.plan.updated), (1, 1));
    let now = shared.snapshot();
    let petit = now.by_key("2").unwrap();
    assert_eq!(
        (petit.name.as_str(), petit.function.as_str()),
        ("Petit-Jean", "Maire"),
        "columns not in the file stay"
    );
    assert_eq!(now.members(applied.list.unwrap()).unwrap().len(), 3);
    assert_eq!(
        shared
            .imports()
            .unwrap()
            .iter()
            .map(|record| record.at_ms)
            .collect::<Vec<_>>(),
        [5, 6]
    );
}

#[test]
fn undoing_an_import_gives_back_what_was_there() {
    let shared = shared();
    let first = shared
        .apply(&file(&shared, MAYORS), &Target::List("Maires".into()), 0)
        .unwrap();
    let before = shared.snapshot();
    let text = "id;Nom;Tél\n1;Martine;0199000011\n2;Petite;0199000022\n3;Durand;0199000003\n";
    let second = shared
        .apply(&file(&shared, text), &Target::List("Maires".into()), 0)
        .unwrap();
    // Somebody corrects one of them by hand meanwhile.
    let petite = Recipient::clone(shared.snapshot().by_key("2").unwrap());
    shared
        .save(Recipient {
            first_name: "Léa".into(),
            ..petite.clone()
        })
        .unwrap();

    let undone = shared.undo(second.id).unwrap();
    assert_eq!(
        (undone.removed, undone.restored, undone.kept.as_slice()),
        (1, 1, [petite.id].as_slice())
    );
    let now = shared.snapshot();
    assert_eq!(now.by_key("1").unwrap().name, "Martin");
    assert_eq!(now.by_key("2").unwrap().first_name, "Léa");
    assert!(now.by_key("3").is_none());
    assert_eq!(now.members(first.list.unwrap()), before.members(first.list.unwrap()));
    assert!(matches!(shared.undo(second.id), Err(StoreError::NoSuchImport(_))));
}

#[test]
fn undoing_the_first_import_leaves_nothing() {
    let shared = shared();
    let applied = shared
        .apply(&file(&shared, MAYORS), &Target::List("Maires".into()), 0)
        .unwrap();
    assert_eq!(shared.undo(applied.id).unwrap().removed, 2);
    assert!(shared.snapshot().is_empty());
    assert_eq!(shared.snapshot().lists().len(), 1);
}

#[test]
fn only_the_latest_imports_can_be_undone() {
    let shared = shared();
    for n in 0..15 {
        shared
            .apply(
                &file(&shared, &format!("id;Nom;Tél\n1;Nom {n};0199000001\n")),
                &Target::Directory,
                n,
            )
            .unwrap();
    }
    let known = shared.imports().unwrap();
    assert_eq!(known.len(), 10);
    assert_eq!(known[0].at_ms, 5);
}

#[test]
fn an_erased_person_leaves_no_trace_in_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
    let applied = shared
        .apply(&file(&shared, MAYORS), &Target::List("Maires".into()), 0)
        .unwrap();
    shared
        .apply(
            &file(&shared, "id;Nom;Tél\n1;Autre;0199000001\n"),
            &Target::Directory,
            0,
        )
        .unwrap();
    let martin = applied.recipients[0];
    shared.erase(martin).unwrap();
    assert!(shared.snapshot().recipient(martin).is_none());
    assert_eq!(
        shared.snapshot().members(applied.list.unwrap()).unwrap(),
        [applied.recipients[1]]
    );
    let store = shared.lock();
    for entry in store.tree.iter() {
        let (key, value) = entry.unwrap();
        let text = String::from_utf8_lossy(&value);
        assert!(!text.contains("Martin") && !text.contains("Autre"), "{key:?}: {text}");
    }
    drop(store);
    assert!(matches!(shared.erase(martin), Err(StoreError::NoSuchRecipient(_))));
    let undone = shared.undo(applied.id).unwrap();
    assert_eq!(undone.removed, 1, "undoing does not bring the person back");
}

#[test]
fn a_list_that_is_a_selection_takes_no_rows() {
    let shared = shared();
    shared.create_list("Vivante", Content::Live(Selection::All)).unwrap();
    let import = file(&shared, MAYORS);
    assert!(matches!(
        shared.apply(&import, &Target::List("Vivante".into()), 0),
        Err(StoreError::LiveList(_))
    ));
    assert!(shared.snapshot().is_empty());
    shared
        .apply(&import, &Target::List("liste d'alerte globale".into()), 0)
        .unwrap();
    assert_eq!(shared.snapshot().members(ListId::GLOBAL).unwrap().len(), 2);
}

#[test]
fn a_damaged_record_is_named() {
    let store = Store::temporary().unwrap();
    store.tree.insert(recipient_key(RecipientId(7)), b"{").unwrap();
    assert!(matches!(Shared::new(store), Err(StoreError::Damaged { .. })));
}

#[test]
fn an_export_read_again_changes_nothing_and_a_file_that_says_a_use_changes_it() {
    let shared = shared();
    let e164 = |text: &str| E164::parse(text).unwrap();
    let number = |text: &str, voice, sms| PhoneNumber {
        voice,
        sms,
        ..PhoneNumber::new(e164(text))
    };
    let mayor = Recipient {
        numbers: vec![
            number("0199000001", true, false),
            number("0639980001", false, true),
            number("0639980002", true, true),
        ],
        groups: vec!["Crue".into(), "Neige".into()],
        ..person("Martin", "0199000001")
    };
    shared.save(mayor).unwrap();
    let silent = Recipient {
        numbers: vec![number("+3225551234", false, false), number("0639980003", true, false)],
        unsubscribed: true,
        ..person("Petit", "0199000002")
    };
    shared.save(silent).unwrap();

    let now = shared.snapshot();
    let people = now.recipients().to_vec();
    for (name, bytes) in [
        ("a.xlsx", crate::export::xlsx(&people, &now).unwrap()),
        ("a.ods", crate::export::ods(&people, &now).unwrap()),
        ("a.csv", crate::export::csv(&people, &now).unwrap()),
    ] {
        let import = import::read(&bytes, name, &import::Options::default(), &now).unwrap();
        assert_eq!(import.problems, [], "{name}");
        let plan = shared.plan(&import);
        assert_eq!((plan.created, plan.updated, plan.unchanged), (0, 0, 2), "{name}");
    }

    let uses = |shared: &Shared| -> Vec<(bool, bool)> {
        let now = shared.snapshot();
        let numbers = &now.by_key("martin").unwrap().numbers;
        numbers.iter().map(|number| (number.voice, number.sms)).collect()
    };
    let silent = "id;Nom;Tél 1;Tél 2;Tél 3\nmartin;Martin;0199000001;0639980001;0639980002\n";
    shared.apply(&file(&shared, silent), &Target::Directory, 0).unwrap();
    assert_eq!(uses(&shared), [(true, false), (false, true), (true, true)], "not said");
    let saying = "id;Nom;Tél 1;Tél 2;Tél 3;Usage 2;Usage 3\nmartin;Martin;0199000001;0639980001;0639980002;voix;\n";
    shared.apply(&file(&shared, saying), &Target::Directory, 0).unwrap();
    assert_eq!(
        uses(&shared),
        [(true, false), (true, false), (true, true)],
        "the second said"
    );
}
