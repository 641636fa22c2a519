//! Users, groups and rights, and what the configuration says of them.

use super::*;

fn user(login: &str, group: &str) -> User {
    User {
        login: login.into(),
        name: String::new(),
        groups: BTreeSet::from([group.to_owned()]),
        disabled: false,
    }
}

#[test]
fn the_first_start_makes_an_administrator_and_the_second_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    let (users, made) = Users::open(path.clone(), None, &[], &[]).unwrap();
    let made = made.unwrap();
    assert!(users.verify("admin", &made));
    assert!(!users.verify("admin", "something else"));
    let (users, again) = Users::open(path.clone(), Some("ignored, a user exists"), &[], &[]).unwrap();
    assert_eq!(again, None);
    assert!(users.verify("admin", &made));
    assert!(!std::fs::read_to_string(path).unwrap().contains(&made));
}

#[test]
fn users_of_the_configuration_are_added_and_follow_its_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    let named = |password: &str| NamedUser {
        login: "crise".into(),
        name: String::new(),
        groups: BTreeSet::from(["administration".into()]),
        password: password.into(),
        telephone: None,
    };
    let (users, made) = Users::open(path.clone(), None, &[], &[named("first password")]).unwrap();
    assert_eq!(made, None, "somebody can administer already");
    assert!(users.verify("crise", "first password"));
    users
        .update(user("crise", "Administration"), Some("changed in the console"))
        .unwrap();
    let (users, _) = Users::open(path.clone(), None, &[], &[named("first password")]).unwrap();
    assert!(
        users.verify("crise", "changed in the console"),
        "the file did not change: the console wins"
    );
    let (users, _) = Users::open(path.clone(), None, &[], &[named("second password")]).unwrap();
    assert!(users.verify("crise", "second password"));
    let lost = NamedUser {
        groups: BTreeSet::from(["nowhere".into()]),
        ..named("x")
    };
    let refused = Users::open(path.clone(), None, &[], &[lost]);
    assert!(matches!(refused, Err(ServeError::NoGroup { .. })));
    let odd = NamedUser {
        login: "Élise !".into(),
        ..named("x")
    };
    assert!(matches!(
        Users::open(path, None, &[], &[odd]),
        Err(ServeError::Login(_))
    ));
}

#[test]
fn groups_of_the_configuration_are_added_and_follow_its_rights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    let group = |rights: &[Right]| Group {
        name: "Astreinte".into(),
        rights: rights.iter().copied().collect(),
    };
    let named = |groups: &[&str]| NamedUser {
        login: "lea".into(),
        name: "Léa Martin".into(),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        password: "un mot de passe".into(),
        telephone: None,
    };
    let open = |rights: &[Right], groups: &[&str]| {
        Users::open(
            path.clone(),
            Some("admin's password"),
            &[group(rights)],
            &[named(groups)],
        )
        .unwrap()
        .0
    };
    let users = open(&[Right::Launch], &["Astreinte", "directory"]);
    assert_eq!(
        users.rights("lea").unwrap(),
        BTreeSet::from([Right::Launch, Right::Directory])
    );
    assert_eq!(users.list()[0].name, "Léa Martin");
    users.put_group(group(&[Right::Statistics])).unwrap();
    let users = open(&[Right::Launch], &["Astreinte", "directory"]);
    assert!(
        !users.rights("lea").unwrap().contains(&Right::Launch),
        "the console wins while the file stays"
    );
    let users = open(&[Right::Launch, Right::Statistics], &["Astreinte"]);
    assert_eq!(
        users.rights("lea").unwrap(),
        BTreeSet::from([Right::Launch, Right::Statistics])
    );
}

#[test]
fn a_change_of_a_group_has_effect_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (users, _) = Users::open(folder.path().join("users.json"), Some("a long password"), &[], &[]).unwrap();
    users.create(user("lea", "Annuaire"), "correct horse battery").unwrap();
    assert_eq!(users.rights("lea").unwrap(), BTreeSet::from([Right::Directory]));
    users
        .put_group(Group {
            name: "Annuaire".into(),
            rights: BTreeSet::from([Right::Launch]),
        })
        .unwrap();
    assert_eq!(users.rights("lea").unwrap(), BTreeSet::from([Right::Launch]));
    users
        .update(
            User {
                disabled: true,
                ..user("lea", "Annuaire")
            },
            None,
        )
        .unwrap();
    assert_eq!(users.rights("lea"), None);
    assert!(!users.verify("lea", "correct horse battery"));
}

#[test]
fn somebody_can_always_administer() {
    let folder = tempfile::tempdir().unwrap();
    let (users, _) = Users::open(folder.path().join("users.json"), Some("a long password"), &[], &[]).unwrap();
    let none = Group {
        name: "Administration".into(),
        rights: BTreeSet::new(),
    };
    assert!(matches!(users.put_group(none), Err(UserError::LastAdministrator)));
    assert!(matches!(users.delete("admin"), Err(UserError::LastAdministrator)));
    assert!(matches!(
        users.update(user("admin", "Annuaire"), None),
        Err(UserError::LastAdministrator)
    ));
    assert!(matches!(
        users.delete_group("Administration"),
        Err(UserError::GroupInUse)
    ));
    assert_eq!(users.rights("admin").unwrap().len(), 4);
}

#[test]
fn bad_logins_passwords_and_groups_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (users, _) = Users::open(folder.path().join("users.json"), Some("a long password"), &[], &[]).unwrap();
    for login in ["", "Léa", "a b", "x\n", "../x"] {
        assert!(
            matches!(
                users.create(user(login, "Annuaire"), "correct horse battery"),
                Err(UserError::Login)
            ),
            "{login}"
        );
    }
    assert!(matches!(
        users.create(user("a", "Annuaire"), "short"),
        Err(UserError::Password)
    ));
    assert!(matches!(
        users.create(user("a", "Inconnu"), "correct horse battery"),
        Err(UserError::Unknown)
    ));
    assert!(matches!(
        users.create(user("admin", "Annuaire"), "correct horse battery"),
        Err(UserError::Taken)
    ));
    assert!(matches!(users.delete("nobody"), Err(UserError::Unknown)));
    assert!(!users.verify("nobody", "x"));
}

#[test]
fn telephone_codes_are_one_persons_and_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    let crise = |code: &str| NamedUser {
        login: "crise".into(),
        name: String::new(),
        groups: BTreeSet::from(["launch".into()]),
        password: "first password".into(),
        telephone: Some((code.into(), "123456".into())),
    };
    let open = |code: &str| Users::open(path.clone(), Some("a long password"), &[], &[crise(code)]);
    assert!(matches!(open("8x"), Err(ServeError::PhoneCodes(_))));
    let (users, _) = open("80").unwrap();
    assert_eq!(users.by_telephone("80", "123456").as_deref(), Some("crise"));
    assert_eq!(users.by_telephone("80", "123457"), None);
    assert_eq!(users.by_telephone("81", "123456"), None);
    assert!(matches!(
        users.set_telephone("admin", Some(("80", "654321"))),
        Err(UserError::Taken)
    ));
    for (code, pin) in [
        ("8", "123456"),
        ("80", "12345"),
        ("80a", "123456"),
        ("80", "12345678901234567"),
    ] {
        assert!(
            matches!(
                users.set_telephone("crise", Some((code, pin))),
                Err(UserError::PhoneCodes)
            ),
            "{code} {pin}"
        );
    }
    users.set_telephone("crise", Some(("81", "999999"))).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains("999999"));
    let (users, _) = open("80").unwrap();
    assert_eq!(
        users.by_telephone("81", "999999").as_deref(),
        Some("crise"),
        "the file did not change: the console wins"
    );
    users
        .update(
            User {
                disabled: true,
                ..user("crise", GROUPS[1])
            },
            None,
        )
        .unwrap();
    assert_eq!(users.by_telephone("81", "999999"), None, "disabled");
    users.set_telephone("crise", None).unwrap();
    assert_eq!(users.of_code("81"), None);
}
