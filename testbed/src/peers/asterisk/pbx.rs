//! An Asterisk in a root folder of its own: its settings, its start and its end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::peers::ports;

const SETTINGS: [(&str, &str); 4] = [
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
];

/// What it is there for.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// Calls at once, for whose sound it has ports.
    pub calls: u16,
    /// Its endpoints, and its dial plan. `@INSIDE@` stands for its folder as it sees it, `@PORT@` for its SIP port.
    pub pjsip: &'static str,
    /// The dial plan.
    pub extensions: &'static str,
}

/// A running Asterisk. It is ended, and its files are taken away, when this is dropped.
pub struct Pbx {
    child: Child,
    root: PathBuf,
    /// Its own files: the path on this machine, and the same inside its root.
    outside: PathBuf,
    inside: String,
    port: u16,
    log: PathBuf,
}

impl Pbx {
    /// Starts the one in `root` in a role; `own` are further words of its settings and what they stand for. `folder` takes its log.
    ///
    /// # Errors
    /// When there is none, or when it does not get ready.
    pub fn start(root: &Path, folder: &Path, role: &Role, own: &[(&str, &str)]) -> anyhow::Result<Pbx> {
        fs::create_dir_all(folder)?;
        let port = ports::free("127.0.0.1")?;
        let inside = format!("/tmp/tocsin-{port}");
        let outside = root.join(inside.trim_start_matches('/'));
        for place in ["etc", "run", "log", "spool", "db"] {
            fs::create_dir_all(outside.join(place))?;
        }
        let rtp = ports::free("127.0.0.1")?;
        let modules = modules(root)?;
        let files = SETTINGS
            .into_iter()
            .chain([("pjsip.conf", role.pjsip), ("extensions.conf", role.extensions)]);
        for (name, text) in files {
            let mut text = text
                .replace("@INSIDE@", &inside)
                .replace("@MODULES@", &modules)
                .replace("@PORT@", &port.to_string())
                .replace("@RTP@", &rtp.to_string())
                .replace("@RTP_END@", &(rtp + 2 * role.calls - 1).to_string());
            for (word, value) in own {
                text = text.replace(word, value);
            }
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

    /// Its port for SIP over UDP, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A file of its own folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.outside.join(name)
    }

    /// Everything that it said.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for file in [self.log.clone(), self.outside.join("log/messages.log")] {
            text.push_str(&String::from_utf8_lossy(&fs::read(file).unwrap_or_default()));
        }
        text
    }

    /// Gives it an order by its own command line.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn order(&self, order: &str) -> anyhow::Result<()> {
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

    /// Waits, 15 seconds at most, until it has said this.
    ///
    /// # Errors
    /// When it has not.
    pub fn wait_for(&self, text: &str) -> anyhow::Result<()> {
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
