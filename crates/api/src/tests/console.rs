//! The pages as a browser gets them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use super::kit::{PASSWORD, World};

/// What an accessible page has, checked on the text: language, title, landmarks, labels, no inline script or style.
fn check(path: &str, html: &str) {
    for expected in ["<html lang=", "<title>", "<main id=contenu", "class=skip", "<h1>"] {
        assert!(html.contains(expected), "{path} lacks {expected}");
    }
    for refused in [" style=", "onclick=", "<script>", "javascript:"] {
        assert!(!html.contains(refused), "{path} has {refused}");
    }
    for part in html
        .split("<input ")
        .skip(1)
        .chain(html.split("<select ").skip(1))
        .chain(html.split("<textarea ").skip(1))
    {
        let tag = part.split('>').next().unwrap();
        if tag.contains("type=hidden") {
            continue;
        }
        let attribute = |name: &str| {
            let rest = tag.split(&format!("{name}=")).nth(1)?;
            Some(rest.trim_start_matches('"').split(['"', ' ', '>']).next()?.to_owned())
        };
        let labelled = attribute("id").is_some_and(|id| {
            html.contains(&format!("<label for={id}>")) || html.contains(&format!("<label for=\"{id}\">"))
        });
        let wrapped = tag.contains("type=checkbox") || tag.contains("type=radio");
        assert!(
            labelled || tag.contains("aria-label") || wrapped,
            "{path}: no label for <{tag}>"
        );
    }
    for word in html
        .split(['>', '<'])
        .filter(|text| text.contains('-') && !text.contains([' ', '=', '/']))
    {
        let kebab = word.len() > 5 && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(!kebab, "{path}: “{word}” looks like a key without a text");
    }
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let world = World::new();
    world.populate(12);
    let token = world.login("admin").await;
    let id = world
        .launched(&token, json!({ "tries_per_number": 1, "tries_per_recipient": 1 }))
        .await;
    world.ended(&token, id).await;
    let live = format!("/campagnes/{id}");
    for path in [
        "/",
        "/appels",
        "/campagnes/nouvelle",
        &live,
        "/messages",
        "/annuaire",
        "/annuaire?search=nom0001",
        "/statistiques",
        "/statistiques?document=capacity",
        "/statistiques?document=service&period=2026-W48&which=real",
        "/statistiques?unit=days&day=2026-11-01&last=2026-11-20",
        "/utilisateurs",
        "/journal",
        "/connexion",
    ] {
        for (language, heading) in [("fr", "lang=fr"), ("en", "lang=en")] {
            let request = Request::builder()
                .uri(path)
                .header("cookie", format!("__Host-tocsin={token}; tocsin-langue={language}"));
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            assert!(answer.text().contains(heading), "{path}");
            check(path, &answer.text());
        }
    }
    let page = world.page(&token, &live).await.text();
    for expected in [
        "Crue de la Somme",
        "Ceci est une alerte.",
        "Terminée",
        "report.xlsx",
        "data-events",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn an_operator_goes_from_login_to_launch_with_forms_alone() {
    let world = World::new();
    world.populate(3);
    let page = world
        .send(Request::builder().uri("/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, "/connexion")
    );
    let login = |password: &str| {
        Request::builder()
            .method("POST")
            .uri("/connexion")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!(
                "user=admin&password={}",
                password.replace(' ', "+")
            )))
            .unwrap()
    };
    let wrong = world.send(login("wrong")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("incorrect") && wrong.text().contains("role=alert"));
    let right = world.send(login(PASSWORD)).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    let cookie = right.header("set-cookie");
    for part in ["__Host-tocsin=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();

    let bad = world
        .form(&token, "/campagnes", "name=Crue&text=&list=0&preset=exercise")
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text().contains("value=\"Crue\""), "what was typed is kept");
    let made = world
        .form(
            &token,
            "/campagnes",
            "name=%3Cb%3ECrue&text=Montez.&language=fr&list=0&preset=exercise",
        )
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let place = made.header("location").to_owned();
    let ready = world.page(&token, &place).await.text();
    assert!(
        ready.contains("&lt;b&gt;Crue") && !ready.contains("<b>Crue"),
        "names are escaped"
    );
    assert!(
        ready.contains("3 destinataires seront appelés") && ready.contains("Prête"),
        "{ready}"
    );
    let launched = world.form(&token, &format!("{place}/lancer"), "").await;
    assert_eq!(
        (launched.status, launched.header("location")),
        (StatusCode::SEE_OTHER, place.as_str())
    );
    let again = world.form(&token, &format!("{place}/lancer"), "").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text().contains("<h1>"), "a refusal is a page");
    let out = world.form(&token, "/deconnexion", "").await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.page(&token, "/").await.header("location"), "/connexion");
}

#[tokio::test]
async fn a_file_is_looked_at_then_imported() {
    let world = World::new();
    let token = world.login("admin").await;
    let word = crate::sessions::form_word(&token);
    let file = "Nom;Téléphone\nMartin;0199001234\nPetit;<b>112\n";
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"élus.csv\"\r\ncontent-type: text/csv\r\n\r\n{file}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"list\"\r\n\r\nÉlus\r\n--x--\r\n"
    );
    let send = |word: &str| {
        Request::builder()
            .method("POST")
            .uri(format!("/annuaire/lecture?csrf={word}"))
            .header("cookie", format!("__Host-tocsin={token}"))
            .header("content-type", "multipart/form-data; boundary=x")
            .body(Body::from(body.clone()))
            .unwrap()
    };
    assert_eq!(world.send(send("0")).await.status, StatusCode::FORBIDDEN);
    let look = world.send(send(&word)).await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text());
    let html = look.text();
    check("/annuaire/lecture", &html);
    assert!(
        html.contains("élus.csv") && html.contains("Écartée") && html.contains("&lt;b&gt;112"),
        "{html}"
    );
    let confirm = html
        .split("name=word value=")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        world.form(&token, "/annuaire/import", "word=0").await.status,
        StatusCode::CONFLICT
    );
    let look = world.send(send(&word)).await.text();
    let confirm2 = look
        .split("name=word value=")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert_ne!(confirm, confirm2);
    let done = world
        .form(&token, "/annuaire/import", &format!("word={confirm2}"))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(world.desk.services.directory.snapshot().len(), 1);
    assert!(
        world
            .page(&token, "/annuaire?fait=import")
            .await
            .text()
            .contains("Élus")
    );
}

#[tokio::test]
async fn codes_for_launches_by_telephone_are_given_and_taken_with_a_form() {
    let world = World::new();
    let token = world.login("admin").await;
    let lea = world.user_of(&token, "lea", "Annuaire").await;
    let place = "/utilisateurs/lea/telephone";
    let forbidden = world.form(&lea, place, "code=4711&pin=123456").await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    let short = world.form(&token, place, "code=4711&pin=1234").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text().contains("le code secret de 6 à 16"), "{}", short.text());
    let given = world.form(&token, place, "code=4711&pin=123456").await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text());
    let users = &world.desk.users;
    assert_eq!(users.by_telephone("4711", "123456").as_deref(), Some("lea"));
    let page = world.page(&token, "/utilisateurs").await.text();
    assert!(page.contains("value=\"4711\"") && !page.contains("123456"), "{page}");
    let taken = world.form(&token, place, "code=4711&pin=&remove=1").await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
    assert_eq!(users.by_telephone("4711", "123456"), None);
}

#[tokio::test]
async fn users_and_groups_are_kept_with_forms() {
    let world = World::new();
    let token = world.login("admin").await;
    let made = world
        .form(
            &token,
            "/utilisateurs",
            "login=lea&name=L%C3%A9a&group=Annuaire&password=un+mot+de+passe",
        )
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let lea = world.login("lea").await;
    assert_eq!(
        world.page(&lea, "/").await.header("location"),
        "/annuaire",
        "everybody lands where they may work"
    );
    assert_eq!(world.page(&lea, "/utilisateurs").await.status, StatusCode::FORBIDDEN);
    world
        .form(&token, "/groupes", "name=Annuaire&right=directory&right=administration")
        .await;
    assert_eq!(world.page(&lea, "/utilisateurs").await.status, StatusCode::OK);
    let off = world
        .form(
            &token,
            "/utilisateurs/lea",
            "name=L%C3%A9a&group=Annuaire&disabled=true",
        )
        .await;
    assert_eq!(off.status, StatusCode::SEE_OTHER);
    assert_eq!(world.page(&lea, "/utilisateurs").await.header("location"), "/connexion");
}
