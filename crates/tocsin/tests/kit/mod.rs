//! A place to run the real program in: a folder, free ports, a configuration; and what the program said.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod desk;
pub mod ear;
pub mod telephone;

use std::collections::HashSet;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The passwords of the configuration: nothing may ever show them.
pub const TRUNK_SECRET: &str = "gare-du-nord-4711";
pub const ADMIN_SECRET: &str = "beffroi-d-amiens-80";

/// Longest time that anything here may take; a program that hangs is killed, and the test fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder and free ports for one tocsin.
pub struct Site {
    folder: tempfile::TempDir,
    pub sip_port: u16,
    pub web_port: u16,
}

impl Site {
    pub fn new() -> Self {
        // Held together so that no two are the same, released before the program takes them.
        let (sip, web) = (free_udp(), TcpListener::bind("127.0.0.1:0").unwrap());
        Self {
            folder: tempfile::tempdir().unwrap(),
            sip_port: sip.local_addr().unwrap().port(),
            web_port: web.local_addr().unwrap().port(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }

    /// A configuration without mistakes, whose trunk is a port of this machine.
    pub fn configuration(&self, trunk_port: u16) -> String {
        let Self { sip_port, web_port, .. } = self;
        format!(
            r#"data = "data"
grace = "1s"

[web]
listen = "127.0.0.1:{web_port}"

[sip]
listen = "127.0.0.1:{sip_port}"

[media]
ports = "30000-40000"

[[trunk]]
name = "Opérateur"
host = "127.0.0.1"
port = {trunk_port}
user = "prefecture80"
password = "{TRUNK_SECRET}"
callers = ["+33199000000"]
channels = 20
calls_per_second = 20

[[user]]
name = "admin"
password = "{ADMIN_SECRET}"
"#
        )
    }

    /// The same for a trunk that asks for no password.
    pub fn configuration_without_password(&self, trunk_port: u16) -> String {
        self.configuration(trunk_port)
            .replace("user = \"prefecture80\"\n", "")
            .replace(&format!("password = \"{TRUNK_SECRET}\"\n"), "")
    }

    /// Runs tocsin to its end in one language. `serve` and the others all end by themselves when something is wrong.
    pub fn run(&self, language: &str, arguments: &[&str]) -> Said {
        let mut running = self.start(language, arguments);
        let status = running.wait();
        Said {
            status,
            out: running.out(),
            err: running.err(),
            language: language.to_owned(),
        }
    }

    /// Starts a program that goes on while others run at the same place.
    pub fn start_beside(&self, language: &str, arguments: &[&str]) -> Running {
        self.start_as(language, arguments, "service")
    }

    pub fn start(&self, language: &str, arguments: &[&str]) -> Running {
        self.start_as(language, arguments, "run")
    }

    fn start_as(&self, language: &str, arguments: &[&str], name: &str) -> Running {
        let (out, err) = (
            self.path(&format!("{name}.out.txt")),
            self.path(&format!("{name}.err.txt")),
        );
        let child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LC_ALL", if language == "en" { "en_GB.UTF-8" } else { "C" })
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Running { child, out, err }
    }
}

fn free_udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// A tocsin that runs until it ends or this is dropped.
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub fn out(&self) -> String {
        read(&self.out)
    }

    pub fn err(&self) -> String {
        read(&self.err)
    }

    /// Waits until `is_so`; fails if the program ends before, or nothing happens.
    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("tocsin ended ({status}) before {what}: {}{}", self.out(), self.err());
            }
            assert!(Instant::now() < deadline, "never {what}: {}{}", self.out(), self.err());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the console listens.
    pub fn wait_until_served(&mut self) {
        self.wait_until("the console listens", |running| running.out().contains("https://"));
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("tocsin did not end: {}{}", self.out(), self.err());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &PathBuf) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        file.read_to_end(&mut text).unwrap();
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What a run of tocsin said.
#[derive(Debug)]
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
    pub language: String,
}

impl Said {
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// It refused, in one clear sentence that holds these words.
    pub fn is_refusal(&self, words: &[&str]) {
        let code = self.status.code();
        assert!(matches!(code, Some(1 | 2)), "{:?} {self:#?}", self.status);
        // The log of a start may stand before it.
        let complaint = self.err.find("tocsin\u{a0}: ").or_else(|| self.err.find("tocsin: "));
        let complaint = &self.err[complaint.unwrap_or_else(|| panic!("no complaint: {self:#?}"))..];
        for word in words {
            assert!(complaint.contains(word), "“{word}” is not in {complaint}");
        }
        let complaints = complaint.lines().filter(|line| line.starts_with("tocsin"));
        assert_eq!(complaints.count(), 1, "more than one complaint: {complaint}");
        self.is_proper();
    }

    /// Nothing is shown that must not be: no panic, no secret, no raw key, no argument left open, no other language.
    pub fn is_proper(&self) {
        let all = self.all();
        for never in ["panicked", "RUST_BACKTRACE", "{ $", TRUNK_SECRET, ADMIN_SECRET] {
            assert!(!all.contains(never), "“{never}” is shown: {all}");
        }
        let keys: HashSet<&str> = include_str!("../../locales/fr.ftl")
            .lines()
            .filter_map(|line| line.split_once(" = ").map(|(key, _)| key))
            .filter(|key| key.contains('-'))
            .collect();
        let shown = all.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        for token in shown {
            assert!(!keys.contains(token), "the raw key {token} is shown: {all}");
        }
        let has_french = self.err.contains('\u{a0}') || self.err.contains('’');
        if !self.err.is_empty() && self.language == "fr" {
            assert!(has_french, "not French: {}", self.err);
        }
    }
}
