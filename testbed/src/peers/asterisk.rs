//! Asterisk, the PBX that most others are measured by. It lives in a root folder of its own (`scripts/asterisk-root.sh` makes one), is
//! run there by `chroot`, and shares this machine's loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
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

/// The checks with the Asterisk in `root`; each works in a folder of its own below `folder`.
pub fn checks(root: &Path, folder: &Path) -> Vec<Check> {
    let check = |name: &str, story: &str, run: fn(&Path, &Path) -> anyhow::Result<()>| {
        let (root, folder) = (root.to_owned(), folder.join(name));
        Check {
            name: name.to_owned(),
            story: story.to_owned(),
            is_slow: true,
            run: Box::new(move || run(&root, &folder)),
        }
    };
    vec![
        check(
            "asterisk",
            "Asterisk challenges and answers, hears the tone and our key, and its keys are heard (RFC 4733)",
            |root, folder| called(root, folder, "events", Some('7'), &[]),
        ),
        check(
            "asterisk-tones",
            "Asterisk challenges and answers without telephone events, hears the tone, and its keys are heard as tones in the sound",
            |root, folder| called(root, folder, "tones", None, &["--dtmf", "inband"]),
        ),
        check(
            "asterisk-srtp",
            "Asterisk challenges and answers with encrypted sound (SDES), hears the tone and our key, and its keys are heard",
            |root, folder| called(root, folder, "secure", Some('7'), &["--srtp"]),
        ),
        check(
            "asterisk-calls",
            "Asterisk calls us, hears the tone and our key, and its keys are heard",
            calls,
        ),
    ]
}

/// A running Asterisk.
struct Pbx {
    child: Child,
    root: PathBuf,
    /// Its own files: the path on this machine, and the same inside its root.
    outside: PathBuf,
    inside: String,
    port: u16,
    log: PathBuf,
}

impl Pbx {
    /// Starts it; `callee` is the port of whom it may call.
    fn start(root: &Path, folder: &Path, callee: u16) -> anyhow::Result<Pbx> {
        fs::create_dir_all(folder)?;
        let port = ports::free("127.0.0.1")?;
        let inside = format!("/tmp/tocsin-{port}");
        let outside = root.join(inside.trim_start_matches('/'));
        for place in ["etc", "run", "log", "spool", "db"] {
            fs::create_dir_all(outside.join(place))?;
        }
        let rtp = ports::free("127.0.0.1")?;
        let modules = modules(root)?;
        for (name, text) in SETTINGS {
            let text = text
                .replace("@INSIDE@", &inside)
                .replace("@MODULES@", &modules)
                .replace("@PORT@", &port.to_string())
                .replace("@RTP@", &rtp.to_string())
                .replace("@RTP_END@", &(rtp + 1).to_string())
                .replace("@CALLEE@", &callee.to_string())
                .replace("@USER@", USER)
                .replace("@PASSWORD@", PASSWORD);
            fs::write(outside.join("etc").join(name), text)?;
        }
        let log = folder.join("asterisk.log");
        let file = fs::File::create(&log)?;
        let child = Command::new("chroot")
            .arg(root)
            .args(["/usr/sbin/asterisk", "-f", "-vvv", "-n", "-C"])
            .arg(format!("{inside}/etc/asterisk.conf"))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("cannot start chroot; is this run as root?")?;
        let pbx = Pbx {
            child,
            root: root.to_owned(),
            outside,
            inside,
            port,
            log,
        };
        ports::wait_for(port, Duration::from_secs(30)).with_context(|| pbx.log())?;
        // Its modules are ready later than its port.
        pbx.wait_for("Asterisk Ready")?;
        Ok(pbx)
    }

    fn log(&self) -> String {
        let mut text = String::new();
        for file in [self.log.clone(), self.outside.join("log/messages.log")] {
            text.push_str(&String::from_utf8_lossy(&fs::read(file).unwrap_or_default()));
        }
        text
    }

    /// Gives it an order by its own command line.
    fn order(&self, order: &str) -> anyhow::Result<()> {
        let output = Command::new("chroot")
            .arg(&self.root)
            .args(["/usr/sbin/asterisk", "-C"])
            .arg(format!("{}/etc/asterisk.conf", self.inside))
            .args(["-rx", order])
            .output()?;
        ensure!(
            output.status.success(),
            "Asterisk does not take “{order}”: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        Ok(())
    }

    fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(15);
        while !self.log().contains(text) {
            ensure!(
                Instant::now() < deadline,
                "Asterisk never said “{text}”:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Insists on the tone and the key that it heard.
    fn expect(&self, key: Option<char>, seconds: f64) -> anyhow::Result<()> {
        let text = format!("heard key {}", key.map(String::from).unwrap_or_default());
        self.wait_for(&text)?;
        // The recording is closed with the channel.
        thread::sleep(Duration::from_millis(500));
        sound::expect_tone(&self.outside.join("heard.wav"), seconds)
    }
}

/// Where its modules are, inside its root: below the name of the machine's architecture.
fn modules(root: &Path) -> anyhow::Result<String> {
    let found = fs::read_dir(root.join("usr/lib"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("asterisk/modules"))
        .find(|path| path.is_dir())
        .with_context(|| {
            format!(
                "there is no Asterisk in {}; see scripts/asterisk-root.sh",
                root.display()
            )
        })?;
    Ok(format!("/{}", found.strip_prefix(root)?.display()))
}

impl Drop for Pbx {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.outside);
    }
}

const SETTINGS: [(&str, &str); 6] = [
    (
        "asterisk.conf",
        "[directories](!)\n[directories]\nastetcdir => @INSIDE@/etc\nastmoddir => @MODULES@\n\
         astvarlibdir => /var/lib/asterisk\nastdbdir => @INSIDE@/db\nastkeydir => /var/lib/asterisk\n\
         astdatadir => /usr/share/asterisk\nastagidir => /usr/share/asterisk/agi-bin\nastspooldir => @INSIDE@/spool\n\
         astrundir => @INSIDE@/run\nastlogdir => @INSIDE@/log\nastsbindir => /usr/sbin\n",
    ),
    (
        "modules.conf",
        "[modules]\nautoload=yes\nnoload => chan_iax2.so\nnoload => res_hep.so\nnoload => pbx_dundi.so\n",
    ),
    (
        "logger.conf",
        "[general]\n[logfiles]\nmessages.log => notice,warning,error,verbose\n",
    ),
    (
        "rtp.conf",
        "[general]\nrtpstart=@RTP@\nrtpend=@RTP_END@\nicesupport=no\n",
    ),
    (
        "pjsip.conf",
        "[global]\ntype=global\nendpoint_identifier_order=username,ip\n\
         [udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:@PORT@\n\
         [password]\ntype=auth\nauth_type=userpass\nusername=@USER@\npassword=@PASSWORD@\n\
         [common](!)\ntype=endpoint\ntransport=udp\ncontext=in\ndisallow=all\nallow=alaw\ndirect_media=no\nauth=password\n\
         [events](common)\ndtmf_mode=rfc4733\n\
         [tones](common)\ndtmf_mode=inband\n\
         [secure](common)\ndtmf_mode=rfc4733\nmedia_encryption=sdes\n\
         [out]\ntype=endpoint\ntransport=udp\ncontext=in\ndisallow=all\nallow=alaw\ndirect_media=no\naors=out\n\
         [out]\ntype=aor\ncontact=sip:service@127.0.0.1:@CALLEE@\n",
    ),
    (
        "extensions.conf",
        "[in]\nexten => 100,1,Answer()\n same => n,MixMonitor(@INSIDE@/both.wav,r(@INSIDE@/heard.wav))\n \
         same => n,Read(KEY,,1,,1,6)\n same => n,Log(NOTICE,heard key ${KEY})\n same => n,SendDTMF(12)\n same => n,Wait(20)\n",
    ),
];

fn called(root: &Path, folder: &Path, endpoint: &str, key: Option<char>, arguments: &[&str]) -> anyhow::Result<()> {
    let pbx = Pbx::start(root, folder, 9)?;
    let press = key.map(String::from).unwrap_or_default();
    let mut all = vec!["--user", USER, "--from", endpoint, "--press", &press];
    all.extend(arguments);
    let to = format!("sip:100@127.0.0.1:{}", pbx.port);
    let dialled = dial::dial(folder, &to, &dial::Settings::new(8.0, &all)).with_context(|| pbx.log())?;
    ensure!(
        dialled.is_success,
        "tocsin was not content: {}\n{}",
        dialled.told,
        pbx.log()
    );
    expect_digits(&dialled.told, "12")?;
    pbx.expect(key, 5.0)
}

fn calls(root: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let arguments = ["--from", "127.0.0.1", "--after", "0.3", "--press", "4"];
    // Shorter than the patience of `Called::end`.
    let mut called = Called::start(folder, "127.0.0.1", &arguments, 5.0, 1)?;
    let pbx = Pbx::start(root, folder, called.port)?;
    pbx.order("channel originate PJSIP/out extension 100@in")?;
    let calls = called.end(1)?;
    let told = calls.first().with_context(|| pbx.log())?;
    expect_digits(told, "12")?;
    pbx.expect(Some('4'), 3.0)
}
