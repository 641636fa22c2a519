//! A desk for tests: temporary folder, real dialer, journal in memory, telephones that answer by the last digit.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use dialer::journal::{Faults, Memory};
use dialer::{
    AttemptId, CallReport, CallStats, Caller, Dialer, Handle, Heard, MessageId, Now, Order, Outcome, TrunkSettings,
};
use directory::{E164, Recipient, Store};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::desk::Desk;
use crate::services::{Services, Speech, SpeechError};
use crate::{Settings, routes};

/// Password of every user of the tests.
pub(super) const PASSWORD: &str = "un mot de passe";

/// A desk and what is behind it.
pub(super) struct World {
    pub(super) desk: Arc<Desk>,
    app: Router,
    handle: Handle,
    pub(super) folder: TempDir,
    /// What is wrong with the journal's disk.
    pub(super) faults: Arc<Faults>,
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Telephones: the last digit of the number says what they do. `hold` is the time that each step takes.
struct Telephones {
    calls: Sender<Order>,
    acknowledged: Sender<AttemptId>,
}

impl Caller for Telephones {
    fn place(&mut self, order: Order) {
        let _ = self.calls.send(order);
    }

    fn acknowledge(&mut self, attempt: AttemptId) {
        let _ = self.acknowledged.send(attempt);
    }

    fn hang_up(&mut self, _: AttemptId) {}

    fn change_message(&mut self, _: AttemptId, _: MessageId, _: u32) {}
}

/// What the telephone of this number does in the end.
pub(super) fn fate(number: E164) -> Outcome {
    match number.digits().as_bytes().last() {
        Some(b'6') => Outcome::Busy,
        Some(b'7') => Outcome::NoAnswer,
        Some(b'8') => Outcome::Unreachable { status: 404 },
        Some(b'9') => Outcome::AnsweredNotConfirmed(Heard::Whole),
        _ => Outcome::Confirmed,
    }
}

fn telephones(handle: Arc<OnceLock<Handle>>, hold: Duration) -> Telephones {
    let (calls, placed) = mpsc::channel::<Order>();
    let (acknowledged, thanked) = mpsc::channel::<AttemptId>();
    let ended = |attempt, outcome: Outcome, hold: Duration| {
        let talking = if outcome.is_answered() {
            hold.max(Duration::from_secs(20))
        } else {
            Duration::ZERO
        };
        let stats = CallStats {
            ringing: Duration::from_millis(4300),
            talking,
            status: Some(200),
            ..CallStats::default()
        };
        CallReport::Ended {
            attempt,
            outcome,
            stats,
        }
    };
    let shared = Arc::clone(&handle);
    std::thread::spawn(move || {
        for order in placed {
            let handle = shared.wait().clone();
            let ring = move || {
                let attempt = order.attempt;
                handle.report(CallReport::Ringing { attempt });
                std::thread::sleep(hold);
                let outcome = fate(order.number);
                if outcome.is_answered() {
                    handle.report(CallReport::Answered { attempt });
                    std::thread::sleep(hold);
                }
                match outcome {
                    Outcome::Confirmed => handle.report(CallReport::ConfirmRequested { attempt }),
                    outcome => handle.report(ended(attempt, outcome, hold)),
                }
            };
            if hold.is_zero() {
                ring()
            } else {
                drop(std::thread::spawn(ring))
            }
        }
    });
    std::thread::spawn(move || {
        for attempt in thanked {
            handle.wait().report(ended(attempt, Outcome::Confirmed, hold));
        }
    });
    Telephones { calls, acknowledged }
}

/// A voice that says nothing, in a real WAV file.
struct Mute;

impl Speech for Mute {
    fn preview(&self, text: &str, language: &str) -> Result<Vec<u8>, SpeechError> {
        if language == "xx" {
            return Err(SpeechError::Language(language.into()));
        }
        let samples = text.len() * 100;
        let size = u32::try_from(samples * 2).unwrap();
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + size).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
        wav.extend(size.to_le_bytes());
        wav.resize(wav.len() + samples * 2, 0);
        Ok(wav)
    }
}

/// The rooms behind a desk, with telephones whose steps take `hold`.
pub(super) fn services(hold: Duration) -> (Services, Handle) {
    services_on(hold, Memory::new())
}

fn services_on(hold: Duration, journal: Memory) -> (Services, Handle) {
    let mut trunk = TrunkSettings::new("Opérateur A", 200, 500.0);
    trunk.tariffs = vec![dialer::Tariff {
        prefix: String::new(),
        per_call_micros: 0,
        per_minute_micros: 30_000,
        first_step_s: 1,
        step_s: 1,
        per_part_micros: 0,
    }];
    let settings = dialer::Settings {
        trunks: vec![trunk],
        ..dialer::Settings::default()
    };
    let late = Arc::new(OnceLock::new());
    let caller = telephones(Arc::clone(&late), hold);
    let dialer = Dialer::new(settings, Now::read());
    let handle = dialer::driver::start(dialer, Box::new(journal), Box::new(caller)).unwrap();
    let _ = late.set(handle.clone());
    let directory = directory::Shared::new(Store::temporary().unwrap()).unwrap();
    (
        Services {
            calls: dialer::CallTable::default(),
            campaigns: Arc::new(handle.clone()),
            directory,
            extracts: directory::refresh::Extracts::default(),
            speech: Arc::new(Mute),
        },
        handle,
    )
}

impl World {
    pub(super) fn new() -> World {
        World::with(Duration::ZERO)
    }

    pub(super) fn with(hold: Duration) -> World {
        let folder = tempfile::tempdir().unwrap();
        let journal = Memory::new();
        let faults = journal.faults();
        let (services, handle) = services_on(hold, journal);
        let mut settings = Settings::new("127.0.0.1:0".parse().unwrap(), folder.path());
        settings.admin_password = Some(PASSWORD.into());
        settings.organisation = "Préfecture de la Somme".into();
        let (desk, _) = Desk::open(settings, services).unwrap();
        let app = routes::router(Arc::clone(&desk));
        World {
            desk,
            app,
            handle,
            folder,
            faults,
        }
    }

    /// Recipients whose numbers end in 0, 1, 2…: six of ten confirm.
    pub(super) fn populate(&self, count: u64) {
        for n in 0..count {
            let number = E164::parse(&format!("0199{:06}", n)).unwrap();
            let recipient = Recipient {
                key: format!("k{n}"),
                name: format!("Nom{n:04}"),
                first_name: "Jeanne".into(),
                function: "Maire".into(),
                domain: "Élus".into(),
                numbers: vec![number.into()],
                ..Recipient::default()
            };
            self.desk.services.directory.save(recipient).unwrap();
        }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec();
        Answer { status, headers, bytes }
    }

    /// A request to the interface; `token` may be empty.
    pub(super) async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.send(request.header("content-type", "application/json").body(body).unwrap())
            .await
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, "GET", path, Value::Null).await
    }

    /// A console page, as a browser with a session asks for it.
    pub(super) async fn page(&self, token: &str, path: &str) -> Answer {
        let request = Request::builder()
            .uri(path)
            .header("cookie", format!("__Host-tocsin={token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A form of the console, sent as a browser sends it.
    pub(super) async fn form(&self, token: &str, path: &str, fields: &str) -> Answer {
        let word = crate::sessions::form_word(token);
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("cookie", format!("__Host-tocsin={token}"))
            .header("host", "tocsin.example")
            .header("origin", "https://tocsin.example")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(format!("csrf={word}&{fields}"))).unwrap())
            .await
    }

    /// Opens a session.
    pub(super) async fn login(&self, user: &str) -> String {
        let answer = self
            .call(
                "",
                "POST",
                "/login",
                serde_json::json!({ "user": user, "password": PASSWORD }),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Adds a user of one group and opens a session.
    pub(super) async fn user_of(&self, admin: &str, login: &str, group: &str) -> String {
        let user = serde_json::json!({ "login": login, "groups": [group], "password": PASSWORD });
        assert_eq!(
            self.call(admin, "POST", "/users", user).await.status,
            StatusCode::CREATED
        );
        self.login(login).await
    }

    /// Makes and launches a campaign to everybody; its number.
    pub(super) async fn launched(&self, token: &str, policy: Value) -> u64 {
        let wanted = serde_json::json!({
            "name": "Crue de la Somme", "message": { "title": "Crue", "text": "Ceci est une alerte." }, "policy": policy, "launch": true,
        });
        let answer = self.call(token, "POST", "/campaigns", wanted).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_u64().unwrap()
    }

    /// Waits until the campaign is over.
    pub(super) async fn ended(&self, token: &str, id: u64) -> Value {
        for _ in 0..1500 {
            let view = self.get(token, &format!("/campaigns/{id}")).await.json();
            if view["state"] == "ended" {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "the campaign did not end: {}",
            self.get(token, &format!("/campaigns/{id}")).await.text()
        );
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.handle.stop();
    }
}
