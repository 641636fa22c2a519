//! Kamailio, a proxy as carriers run it: it challenges callers, stays in the path with Record-Route, and passes calls on to a telephone.

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
    baresip::{Manner, PLAIN, Telephone, call_it, expect_digits},
    called_side::Called,
    dial::{self, PASSWORD, USER},
    ports,
};

/// The checks with Kamailio; each works in a folder of its own below `folder`.
pub fn checks(folder: &Path) -> Vec<Check> {
    let check = |name: &str, story: &str, run: fn(&Path) -> anyhow::Result<()>| Check::slow(folder, name, story, run);
    vec![
        check(
            "kamailio",
            "we call a telephone through a proxy that challenges us (SHA-256) and stays in the path",
            through_proxy,
        ),
        check(
            "kamailio-calls",
            "a telephone calls us through a proxy that challenges it and stays in the path; we hang up through it",
            from_proxy,
        ),
    ]
}

/// A running Kamailio.
struct Proxy {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Proxy {
    /// A proxy that passes every call on to `next`, whoever is called.
    fn start(folder: &Path, next: u16, algorithm: &str) -> anyhow::Result<Proxy> {
        let folder = folder.join("proxy");
        fs::create_dir_all(&folder)?;
        let port = ports::free("127.0.0.1")?;
        let settings = folder.join("kamailio.cfg");
        fs::write(
            &settings,
            SETTINGS
                .replace("@PORT@", &port.to_string())
                .replace("@NEXT@", &next.to_string())
                .replace("@ALGORITHM@", algorithm)
                .replace("@PASSWORD@", PASSWORD),
        )?;
        let log = fs::File::create(folder.join("kamailio.log"))?;
        let child = Command::new("kamailio")
            .args(["-DD", "-E", "-m", "16", "-M", "4", "-f"])
            .arg(&settings)
            .arg("-Y")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start kamailio (package kamailio)")?;
        let proxy = Proxy { child, folder, port };
        ports::wait_for(port, Duration::from_secs(10)).with_context(|| proxy.log())?;
        Ok(proxy)
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("kamailio.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Insists that it has passed on a request inside the dialog.
    fn expect_inside(&self, method: &str) -> anyhow::Result<()> {
        let log = self.log();
        ensure!(
            log.contains(&format!("inside {method}")),
            "the proxy has seen no {method} inside the call:\n{log}"
        );
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Asked to end it takes its own children along.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SETTINGS: &str = r#"#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:@PORT@
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "xlog.so"
modparam("auth", "algorithm", "@ALGORITHM@")

request_route {
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (has_totag()) {
        if (loose_route()) {
            xlog("L_ALERT", "inside $rm\n");
            t_relay();
            exit;
        }
        if (is_method("ACK")) {
            if (t_check_trans()) {
                t_relay();
            }
            exit;
        }
        sl_send_reply("404", "Not Here");
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) {
            t_relay();
        }
        exit;
    }
    t_check_trans();
    if (!is_method("INVITE")) {
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }
    if (!pv_proxy_authenticate("proxy.example", "@PASSWORD@", "0")) {
        proxy_challenge("proxy.example", "0");
        exit;
    }
    consume_credentials();
    record_route();
    $du = "sip:127.0.0.1:@NEXT@";
    t_relay();
}
"#;

fn through_proxy(folder: &Path) -> anyhow::Result<()> {
    let telephone = Telephone::start(folder, &PLAIN)?;
    let proxy = Proxy::start(folder, telephone.port, "SHA-256")?;
    let to = format!("sip:telephone@127.0.0.1:{}", proxy.port);
    let settings = dial::Settings::new(4.0, &["--user", USER]);
    let dialled = call_it(&telephone, &to, &settings, || telephone.press('3'))
        .with_context(|| format!("Kamailio: {}", proxy.log()))?;
    expect_digits(&dialled.told, "3")?;
    proxy.expect_inside("ACK")?;
    proxy.expect_inside("BYE")?;
    telephone.expect_tone(2.5)
}

fn from_proxy(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut called = Called::start(folder, "127.0.0.1", &["--from", "127.0.0.1", "--after", "0.3"], 4.0, 1)?;
    let proxy = Proxy::start(folder, called.port, "MD5")?;
    let manner = Manner {
        proxy: Some(proxy.port),
        ..PLAIN
    };
    let telephone = Telephone::start(&folder.join("telephone"), &manner)?;
    telephone.call(&format!("sip:service@127.0.0.1:{}", called.port))?;
    telephone
        .wait_for_call()
        .with_context(|| format!("Kamailio: {}", proxy.log()))?;
    thread::sleep(Duration::from_millis(800));
    telephone.press('1')?;
    let calls = called.end(1)?;
    let told = calls.first().with_context(|| telephone.log())?;
    expect_digits(told, "1")?;
    proxy.expect_inside("ACK")?;
    proxy.expect_inside("BYE")?;
    telephone.expect_tone(2.5)
}
