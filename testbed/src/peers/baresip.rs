//! baresip, a telephone that somebody else wrote: it answers or calls, speaks, and presses a key when told over its control port.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{
    Check,
    called_side::Called,
    dial::{self, Dialled, PASSWORD, USER},
    ports, sound,
};

/// The checks with baresip; each works in a folder of its own below `folder`.
pub fn checks(folder: &Path) -> Vec<Check> {
    let check = |name: &str, story: &str, run: fn(&Path) -> anyhow::Result<()>| Check::slow(folder, name, story, run);
    vec![
        check(
            "baresip",
            "an independent telephone answers, hears the tone and our key, and its key is heard (RFC 4733)",
            answers_and_presses,
        ),
        check(
            "baresip-tones",
            "an independent telephone answers without telephone events; its keys are heard as tones in the sound",
            answers_with_tones,
        ),
        check(
            "baresip-tls",
            "an independent telephone answers over TLS, and both directions of sound are encrypted (SRTP)",
            answers_encrypted,
        ),
        check(
            "baresip-calls",
            "an independent telephone calls us, hears the tone, and its key is heard",
            calls_and_presses,
        ),
    ]
}

/// What a telephone is like.
pub struct Manner<'a> {
    /// Keys that its sound holds as tones, from 1.5 s on.
    pub tones: &'a str,
    /// It speaks SIP over TLS and encrypts its sound.
    pub is_secure: bool,
    /// It sends its calls through this proxy, and knows the password.
    pub proxy: Option<u16>,
}

/// An ordinary telephone.
pub const PLAIN: Manner<'_> = Manner {
    tones: "",
    is_secure: false,
    proxy: None,
};

/// A running baresip.
pub struct Telephone {
    child: Child,
    folder: PathBuf,
    /// Where it takes calls by UDP; by TLS it is the next one.
    pub port: u16,
    control: u16,
}

impl Telephone {
    /// Starts it in a folder of its own.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen soon.
    pub fn start(folder: &Path, manner: &Manner<'_>) -> anyhow::Result<Telephone> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        let port = ports::free("127.0.0.1")?;
        let control = ports::free("127.0.0.1")?;
        let voice = folder.join("voice.wav");
        sound::write_keys(&voice, 30.0, 1.5, manner.tones)?;
        let mut configuration = format!(
            "poll_method epoll\n\
             sip_listen 127.0.0.1:{port}\n\
             net_interface 127.0.0.1\n\
             audio_source aufile,{voice}\n\
             audio_player aubridge,nowhere\n\
             audio_alert aubridge,nowhere\n\
             module_path {modules}\n\
             module g711.so\n\
             module aufile.so\n\
             module aubridge.so\n\
             module sndfile.so\n\
             module_app account.so\n\
             module_app menu.so\n\
             module_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\n\
             snd_path {folder}\n",
            voice = voice.display(),
            modules = modules()?,
            folder = folder.display(),
        );
        let mut account = format!("<sip:telephone@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma");
        if manner.is_secure {
            let certificate = certify(folder)?;
            configuration.push_str(&format!("sip_certificate {certificate}\nmodule srtp.so\n"));
            account = format!(
                "<sip:telephone@127.0.0.1:{port};transport=tls>;regint=0;answermode=auto;audio_codecs=pcma;mediaenc=srtp-mand"
            );
        }
        if let Some(proxy) = manner.proxy {
            account.push_str(&format!(
                ";outbound=\"sip:127.0.0.1:{proxy}\";auth_user={USER};auth_pass=\"{PASSWORD}\""
            ));
        }
        fs::write(folder.join("config"), configuration)?;
        fs::write(folder.join("accounts"), account + "\n")?;
        fs::write(folder.join("contacts"), "")?;
        let log = fs::File::create(folder.join("baresip.log"))?;
        let child = Command::new("baresip")
            .args(["-4", "-v", "-t", "60", "-f"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start baresip (package baresip-core)")?;
        let telephone = Telephone {
            child,
            folder: folder.to_owned(),
            port,
            control,
        };
        for port in [port, control] {
            ports::wait_for(port, Duration::from_secs(10)).with_context(|| telephone.log())?;
        }
        Ok(telephone)
    }

    /// Gives it an order.
    fn order(&self, command: &str, parameters: &str) -> anyhow::Result<()> {
        let order = serde_json::json!({"command": command, "params": parameters, "token": "order"}).to_string();
        let mut control = TcpStream::connect(("127.0.0.1", self.control)).context("baresip's control port")?;
        control.set_read_timeout(Some(Duration::from_secs(5)))?;
        // A netstring: length, colon, text, comma.
        write!(control, "{}:{order},", order.len())?;
        let mut reply = Vec::new();
        let mut part = [0; 2_048];
        loop {
            let length = control.read(&mut part).context("baresip's control port is silent")?;
            reply.extend_from_slice(&part[..length]);
            // Events of the call come on the same connection.
            let text = String::from_utf8_lossy(&reply);
            if text.contains("\"response\":true") {
                ensure!(text.contains("\"ok\":true"), "baresip did not {command}: {text}");
                return Ok(());
            }
            ensure!(length > 0, "baresip closed its control port: {text}");
        }
    }

    /// Presses a key in the call that is up.
    ///
    /// # Errors
    /// When there is no call.
    pub fn press(&self, key: char) -> anyhow::Result<()> {
        self.order("sndcode", &key.to_string())
    }

    /// Places a call.
    ///
    /// # Errors
    /// When it does not take the order.
    pub fn call(&self, uri: &str) -> anyhow::Result<()> {
        self.order("dial", uri)
    }

    /// Waits until a call is up and sound flows.
    ///
    /// # Errors
    /// When that does not come to pass.
    pub fn wait_for_call(&self) -> anyhow::Result<()> {
        self.wait_for("Set audio encoder")
    }

    /// Waits until its log holds a text.
    ///
    /// # Errors
    /// When that does not come to pass.
    pub fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.log().contains(text) {
            ensure!(
                Instant::now() < deadline,
                "baresip never said “{text}”:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// All that it said.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("baresip.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it and insists that it has heard the tone for so many seconds (its sndfile module has recorded what it decoded).
    ///
    /// # Errors
    /// When it has not.
    pub fn expect_tone(mut self, seconds: f64) -> anyhow::Result<()> {
        // The recording is complete when the call is closed.
        self.kill();
        let recorded = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().ends_with("dec.wav"))
            })
            .context("baresip has recorded nothing")?;
        sound::expect_tone(&recorded, seconds)
    }

    fn kill(&mut self) {
        // It has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Calls the telephone at `to`; once the call is up `during` happens to it.
pub fn call_it(
    telephone: &Telephone,
    to: &str,
    settings: &dial::Settings<'_>,
    during: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Dialled> {
    let folder = &telephone.folder;
    let dialled = thread::scope(|scope| {
        let call = scope.spawn(|| dial::dial(folder, to, settings));
        let done = telephone.wait_for_call().and_then(|()| {
            thread::sleep(Duration::from_millis(800));
            during()
        });
        let dialled = call.join().map_err(|_| anyhow::anyhow!("the caller panicked"))??;
        done.with_context(|| format!("tocsin told {}", dialled.told))?;
        anyhow::Ok(dialled)
    })
    .with_context(|| telephone.log())?;
    ensure!(dialled.is_success, "tocsin was not content: {}", dialled.told);
    Ok(dialled)
}

/// Insists on the keys that tocsin heard.
pub fn expect_digits(told: &Value, digits: &str) -> anyhow::Result<()> {
    ensure!(
        told["digits"] == digits,
        "tocsin did not hear the keys {digits}: {told}"
    );
    Ok(())
}

fn answers_and_presses(folder: &Path) -> anyhow::Result<()> {
    let telephone = Telephone::start(folder, &PLAIN)?;
    let to = format!("sip:telephone@127.0.0.1:{}", telephone.port);
    let settings = dial::Settings::new(4.0, &["--press", "7"]);
    let dialled = call_it(&telephone, &to, &settings, || telephone.press('1'))?;
    expect_digits(&dialled.told, "1")?;
    telephone
        .wait_for("received event: '7'")
        .context("our key was not heard")?;
    telephone.expect_tone(2.5)
}

fn answers_with_tones(folder: &Path) -> anyhow::Result<()> {
    let manner = Manner { tones: "50#", ..PLAIN };
    let telephone = Telephone::start(folder, &manner)?;
    let to = format!("sip:telephone@127.0.0.1:{}", telephone.port);
    let settings = dial::Settings::new(5.0, &["--dtmf", "inband"]);
    let dialled = call_it(&telephone, &to, &settings, || Ok(()))?;
    expect_digits(&dialled.told, "50#")?;
    telephone.expect_tone(3.5)
}

fn answers_encrypted(folder: &Path) -> anyhow::Result<()> {
    let manner = Manner {
        is_secure: true,
        ..PLAIN
    };
    let telephone = Telephone::start(folder, &manner)?;
    let to = format!("sip:telephone@127.0.0.1:{};transport=tls", telephone.port + 1);
    let authority = folder.join("authority.pem");
    let arguments = ["--srtp", "--authorities", &authority.display().to_string()];
    let settings = dial::Settings::new(4.0, &arguments);
    let dialled = call_it(&telephone, &to, &settings, || telephone.press('9'))?;
    expect_digits(&dialled.told, "9")?;
    let is_encrypted = dialled.told["steps"].to_string().contains(", SRTP");
    ensure!(is_encrypted, "the sound was not encrypted: {}", dialled.told);
    telephone.expect_tone(2.5)
}

fn calls_and_presses(folder: &Path) -> anyhow::Result<()> {
    let telephone = Telephone::start(folder, &PLAIN)?;
    let mut called = Called::start(
        folder,
        "127.0.0.1",
        &["--from", "127.0.0.1", "--after", "0.3", "--press", "4"],
        4.0,
        1,
    )?;
    telephone.call(&format!("sip:service@{}", called.address()))?;
    telephone.wait_for_call()?;
    thread::sleep(Duration::from_millis(800));
    telephone.press('1')?;
    let calls = called.end(1)?;
    let told = calls.first().with_context(|| telephone.log())?;
    expect_digits(told, "1")?;
    telephone
        .wait_for("received event: '4'")
        .context("our key was not heard")?;
    telephone.expect_tone(2.5)
}

/// Makes a certificate for 127.0.0.1 with openssl, whose key baresip finds in the same file; its path.
fn certify(folder: &Path) -> anyhow::Result<String> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("authority.pem"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=telephone",
        ])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .context("cannot start openssl (package openssl)")?;
    ensure!(
        output.status.success(),
        "openssl made no certificate: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let both = folder.join("both.pem");
    fs::write(&both, [fs::read(&certificate)?, fs::read(&key)?].concat())?;
    Ok(both.display().to_string())
}

/// Where this system keeps baresip's modules.
fn modules() -> anyhow::Result<String> {
    [
        "/usr/lib/baresip/modules",
        "/usr/lib64/baresip/modules",
        "/usr/local/lib/baresip/modules",
    ]
    .into_iter()
    .find(|folder| Path::new(folder).is_dir())
    .map(str::to_owned)
    .context("baresip's modules are in none of the usual folders")
}
