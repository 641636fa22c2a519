//! Speaks to tocsin as an operator's browser does: HTTPS, with the certificate checked.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use ureq::{
    Agent,
    http::Response,
    tls::{Certificate, RootCerts, TlsConfig},
};

/// A session at the desk of tocsin.
#[derive(Debug)]
pub struct Desk {
    agent: Agent,
    base: String,
    token: String,
}

/// What the import of a spreadsheet did.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Imported {
    /// Rows read.
    pub read: u64,
    /// Recipients created.
    pub created: u64,
    /// What could not be read, as it is told to the operator.
    #[serde(default)]
    pub problems: Vec<Value>,
}

impl Desk {
    /// Signs in. Only the certificate in `pem` is trusted.
    ///
    /// # Errors
    /// When tocsin does not answer, or refuses.
    pub fn sign_in(port: u16, pem: &[u8], user: &str, password: &str) -> anyhow::Result<Desk> {
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(pem)?]);
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let mut desk = Desk {
            agent,
            base: format!("https://localhost:{port}"),
            token: String::new(),
        };
        let reply = desk.post("login", &json!({ "user": user, "password": password }))?;
        desk.token = reply["token"].as_str().context("the sign-in gave no token")?.to_owned();
        Ok(desk)
    }

    /// Imports a spreadsheet into a list.
    ///
    /// # Errors
    /// When tocsin refuses.
    pub fn import(&self, list: &str, file_name: &str, bytes: &[u8]) -> anyhow::Result<Imported> {
        let response = self
            .agent
            .post(self.address("imports"))
            .query("list", list)
            .header("Authorization", self.bearer())
            .header("X-File-Name", file_name)
            .send(bytes)?;
        Ok(serde_json::from_value(read("import", response)?)?)
    }

    /// Puts a message into the library; its number.
    ///
    /// # Errors
    /// When tocsin refuses.
    pub fn add_message(&self, title: &str, text: &str) -> anyhow::Result<u64> {
        let reply = self.post("messages", &json!({ "title": title, "text": text, "language": "fr" }))?;
        reply["id"].as_u64().context("the message got no number")
    }

    /// Makes a campaign; its number and what tocsin said about it.
    ///
    /// # Errors
    /// When tocsin refuses.
    pub fn add_campaign(&self, name: &str, message: u64, list: &str, policy: &Value) -> anyhow::Result<(u64, Value)> {
        let wanted = json!({ "name": name, "message": message, "list": list, "preset": "immediate", "policy": policy });
        let reply = self.post("campaigns", &wanted)?;
        let id = reply["id"].as_u64().context("the campaign got no number")?;
        Ok((id, reply))
    }

    /// Launches a campaign.
    ///
    /// # Errors
    /// When tocsin refuses.
    pub fn launch(&self, campaign: u64) -> anyhow::Result<()> {
        self.post(&format!("campaigns/{campaign}/launch"), &json!({}))?;
        Ok(())
    }

    /// The live view of a campaign.
    ///
    /// # Errors
    /// When tocsin does not answer.
    pub fn view(&self, campaign: u64) -> anyhow::Result<View> {
        let response = self.get(&format!("campaigns/{campaign}"))?;
        Ok(serde_json::from_value(read("live view", response)?)?)
    }

    /// The address of the page that shows a campaign live, seen to answer with the campaign's name.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn live_page(&self, campaign: u64, name: &str) -> anyhow::Result<String> {
        let path = format!("campagnes/{campaign}");
        if !self.page(&path)?.contains(name) {
            bail!("the page {path} does not show the campaign");
        }
        Ok(format!("{}/{path}", self.base))
    }

    /// What is happening now: campaigns, trunks, the journal and its alarm.
    ///
    /// # Errors
    /// When tocsin does not answer.
    pub fn live(&self) -> anyhow::Result<Value> {
        read("live", self.get("live")?)
    }

    /// The console's first page.
    ///
    /// # Errors
    /// When tocsin does not give it.
    pub fn dashboard(&self) -> anyhow::Result<String> {
        self.page("")
    }

    fn page(&self, path: &str) -> anyhow::Result<String> {
        let address = format!("{}/{path}", self.base);
        let mut response = self.agent.get(&address).header("Authorization", self.bearer()).call()?;
        let status = response.status();
        if !status.is_success() {
            bail!("{address} is not shown (status {status})");
        }
        Ok(response.body_mut().read_to_string()?)
    }

    /// A report: `xlsx`, `pdf`, `csv` or `json`.
    ///
    /// # Errors
    /// When tocsin does not give it.
    pub fn report(&self, campaign: u64, kind: &str) -> anyhow::Result<Vec<u8>> {
        let mut response = self.get(&format!("campaigns/{campaign}/report.{kind}"))?;
        if !response.status().is_success() {
            bail!(
                "the {kind} report was refused: {}",
                response.body_mut().read_to_string()?
            );
        }
        Ok(response.body_mut().with_config().limit(1 << 30).read_to_vec()?)
    }

    /// A campaign with all that the interface tells of it.
    ///
    /// # Errors
    /// When tocsin does not answer.
    pub fn campaign(&self, campaign: u64) -> anyhow::Result<Value> {
        read("campaign", self.get(&format!("campaigns/{campaign}"))?)
    }

    /// The newest operations of the audit trail whose name begins so, newest first.
    ///
    /// # Errors
    /// When tocsin does not answer.
    pub fn audit(&self, operation: &str) -> anyhow::Result<Vec<Value>> {
        let response = self.get(&format!("audit?operation={operation}"))?;
        let told = read("audit", response)?;
        let entries = told["entries"].as_array().or(told.as_array()).cloned();
        entries.context("the audit trail is no list")
    }

    fn get(&self, path: &str) -> anyhow::Result<Response<ureq::Body>> {
        Ok(self
            .agent
            .get(self.address(path))
            .header("Authorization", self.bearer())
            .call()?)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = self.agent.post(self.address(path));
        if !self.token.is_empty() {
            request = request.header("Authorization", self.bearer());
        }
        read(path, request.send_json(body)?)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn read(what: &str, mut response: Response<ureq::Body>) -> anyhow::Result<Value> {
    let status = response.status();
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string()?;
    if !status.is_success() {
        bail!("{what}: tocsin answered {status}: {text}");
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).with_context(|| format!("{what}: tocsin did not answer in JSON: {text}"))
}

/// A campaign as the live view shows it.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct View {
    /// `ready`, `running`, `paused`, `stopped`, `ended`.
    pub state: String,
    /// All recipients.
    pub recipients: u64,
    /// Recipients who confirmed.
    pub confirmed: u64,
    /// Recipients who heard the message where no confirmation was asked.
    pub informed: u64,
    /// Recipients who answered and never confirmed.
    pub not_confirmed: u64,
    /// Recipients never reached, by cause.
    pub failed: std::collections::BTreeMap<String, u64>,
    /// Recipients still to be reached.
    pub pending: u64,
    /// Attempts started.
    pub attempts: u64,
    /// Attempts on their way.
    pub calling: u64,
    /// Attempts ringing.
    pub ringing: u64,
    /// Attempts answered.
    pub speaking: u64,
    /// Attempts over, by cause.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Predicted end, milliseconds since 1970 UTC.
    pub predicted_end_ms: Option<i64>,
    /// Launch, milliseconds since 1970 UTC.
    pub launched_ms: Option<i64>,
    /// End, milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
}

impl View {
    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "ended" | "stopped") && self.calling + self.ringing + self.speaking == 0
    }
}
