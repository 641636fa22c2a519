//! linphone's console telephone (`linphonec`), another stack again: belle-sip and mediastreamer.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use super::{
    Check,
    baresip::expect_digits,
    called_side::Called,
    dial::{self, PASSWORD, USER},
    ports, sound,
};

/// The checks with linphone; each works in a folder of its own below `folder`.
pub fn checks(folder: &Path) -> Vec<Check> {
    let check = |name: &str, story: &str, run: fn(&Path) -> anyhow::Result<()>| Check::slow(folder, name, story, run);
    vec![
        check(
            "linphone",
            "linphone answers, hears the tone and our key, and its keys are heard (RFC 4733)",
            answers,
        ),
        check(
            "linphone-tones",
            "linphone answers without telephone events; its keys are heard as tones in the sound",
            answers_with_tones,
        ),
        check(
            "linphone-calls",
            "linphone calls us from an unknown address and proves its password (SHA-256), hears the tone and our key, and its keys are heard",
            calls,
        ),
    ]
}

/// A running linphonec.
struct Telephone {
    child: Child,
    orders: ChildStdin,
    folder: PathBuf,
    port: u16,
}

impl Telephone {
    fn start(folder: &Path, tones: &str) -> anyhow::Result<Telephone> {
        let _ = fs::remove_dir_all(folder);
        // It keeps books where its user lives.
        for place in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(folder.join(place))?;
        }
        let (port, rtp) = (ports::free("127.0.0.1")?, ports::free("127.0.0.1")?);
        let configuration = format!(
            "[sip]\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\nuse_ipv6=0\nipv6_migration_done=1\nguess_hostname=0\n\
             contact=sip:{USER}@127.0.0.1:{port}\n\
             [rtp]\nbind_address=127.0.0.1\naudio_rtp_port={rtp}\n\
             [audio_codec_0]\nmime=PCMA\nrate=8000\nchannels=1\nenabled=1\n\
             [auth_info_0]\nusername={USER}\npasswd={PASSWORD}\nrealm=tocsin\n\
             [sound]\nechocancellation=0\n"
        );
        let settings = folder.join("linphonerc");
        fs::write(&settings, configuration)?;
        let voice = folder.join("voice.wav");
        sound::write_keys(&voice, 30.0, 1.5, tones)?;
        let log = fs::File::create(folder.join("linphone.log"))?;
        let mut child = Command::new("linphonec")
            .arg("-c")
            .arg(&settings)
            .arg("-a")
            .env("HOME", folder)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start linphonec (package linphone-cli)")?;
        let orders = child.stdin.take().context("linphonec has no standard input")?;
        let mut telephone = Telephone {
            child,
            orders,
            folder: folder.to_owned(),
            port,
        };
        telephone.order("soundcard use files")?;
        telephone.order(&format!("play {}", voice.display()))?;
        telephone.order(&format!("record {}", folder.join("heard.wav").display()))?;
        ports::wait_for(port, Duration::from_secs(10)).with_context(|| telephone.log())?;
        Ok(telephone)
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        writeln!(self.orders, "{order}").with_context(|| format!("linphonec does not take “{order}”"))?;
        Ok(self.orders.flush()?)
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("linphone.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(12);
        while !self.log().contains(text) {
            ensure!(
                Instant::now() < deadline,
                "linphone never said “{text}”:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Ends it and insists that it has heard the tone for so many seconds.
    fn expect_tone(mut self, seconds: f64) -> anyhow::Result<()> {
        self.order("quit")?;
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.child.try_wait()?.is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        sound::expect_tone(&self.folder.join("heard.wav"), seconds)
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        // If it has ended, these do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const UP: &str = "Media streams established";

fn answer_with(folder: &Path, tones: &str, arguments: &[&str], typed: &str, digits: &str) -> anyhow::Result<Telephone> {
    let mut telephone = Telephone::start(folder, tones)?;
    let to = format!("sip:telephone@127.0.0.1:{}", telephone.port);
    let settings = dial::Settings::new(5.0, arguments);
    let dialled = thread::scope(|scope| {
        let call = scope.spawn(|| dial::dial(folder, &to, &settings));
        let done = telephone.wait_for(UP).and_then(|()| {
            thread::sleep(Duration::from_millis(1_000));
            if typed.is_empty() {
                Ok(())
            } else {
                telephone.order(typed)
            }
        });
        let dialled = call.join().map_err(|_| anyhow::anyhow!("the caller panicked"))??;
        done.with_context(|| format!("tocsin told {}", dialled.told))?;
        anyhow::Ok(dialled)
    })
    .with_context(|| telephone.log())?;
    ensure!(dialled.is_success, "tocsin was not content: {}", dialled.told);
    expect_digits(&dialled.told, digits)?;
    Ok(telephone)
}

fn answers(folder: &Path) -> anyhow::Result<()> {
    let telephone = answer_with(folder, "", &["--press", "7"], "12", "12")?;
    telephone
        .wait_for("Receiving tone 7")
        .context("our key was not heard")?;
    telephone.expect_tone(3.0)
}

fn answers_with_tones(folder: &Path) -> anyhow::Result<()> {
    answer_with(folder, "8*", &["--dtmf", "inband"], "", "8*")?.expect_tone(3.0)
}

fn calls(folder: &Path) -> anyhow::Result<()> {
    let mut telephone = Telephone::start(folder, "")?;
    // No address is known, so the call is challenged.
    let user = format!("{USER}:{PASSWORD}");
    let arguments = ["--user", &user, "--after", "0.3", "--press", "4"];
    let mut called = Called::start(folder, "127.0.0.1", &arguments, 5.0, 1)?;
    telephone.order(&format!("call sip:service@{}", called.address()))?;
    telephone.wait_for(UP)?;
    thread::sleep(Duration::from_millis(1_000));
    telephone.order("1")?;
    let calls = called.end(1)?;
    let told = calls.first().with_context(|| telephone.log())?;
    expect_digits(told, "1")?;
    telephone
        .wait_for("Receiving tone 4")
        .context("our key was not heard")?;
    telephone.expect_tone(3.0)
}
