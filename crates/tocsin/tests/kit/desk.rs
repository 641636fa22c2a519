//! Speaks to the console's interface as a program does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{ADMIN_SECRET, Site};

/// A session of the administrator.
pub struct Desk {
    agent: Agent,
    base: String,
    token: String,
}

impl Desk {
    /// Signs in; only the certificate that tocsin made is trusted.
    pub fn sign_in(site: &Site) -> Self {
        Self::sign_in_at(
            site,
            "localhost",
            &std::fs::read(site.path("data/web/certificate.pem")).unwrap(),
        )
    }

    /// Signs in at this name or address, trusting this certificate alone.
    pub fn sign_in_at(site: &Site, host: &str, pem: &[u8]) -> Self {
        Self::sign_in_as(site, host, pem, "admin", ADMIN_SECRET)
    }

    /// Signs in as somebody else.
    pub fn sign_in_as(site: &Site, host: &str, pem: &[u8], user: &str, password: &str) -> Self {
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(pem).unwrap()]);
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let mut desk = Self {
            agent,
            base: format!("https://{host}:{}/api/v1", site.web_port),
            token: String::new(),
        };
        let reply = desk.post("login", &json!({ "user": user, "password": password }));
        desk.token = reply["token"].as_str().unwrap().to_owned();
        desk
    }

    pub fn get(&self, path: &str) -> Value {
        let request = self.agent.get(format!("{}/{path}", self.base));
        let mut response = request.header("Authorization", self.bearer()).call().unwrap();
        response.body_mut().read_json().unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let mut request = self.agent.post(format!("{}/{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("Authorization", self.bearer());
        }
        let mut response = request.send_json(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A page of the console, without a session.
    pub fn text(&self, path: &str) -> String {
        let address = format!("{}{path}", self.base.trim_end_matches("/api/v1"));
        let mut response = self.agent.get(address).call().unwrap();
        response.body_mut().read_to_string().unwrap()
    }

    /// Adds so many people and rings them with a text of so many sentences.
    pub fn launch(&self, people: usize, sentences: usize) {
        for n in 0..people {
            let person = json!({
                "key": format!("élue-{n}"),
                "name": format!("Élue {n}"),
                "numbers": [{ "e164": format!("+3319900100{n}"), "kind": "landline", "voice": true, "sms": false }],
            });
            self.post("recipients", &person);
        }
        let text = "La Somme monte. Mettez-vous à l’abri et attendez les consignes. ".repeat(sentences);
        let campaign = json!({ "name": "Crue", "message": { "text": text }, "preset": "immediate", "launch": true });
        self.post("campaigns", &campaign);
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}
