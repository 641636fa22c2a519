//! The stage: a fresh folder, free ports, and the two programs as processes.

use std::{
    fs,
    io::Read,
    net::{TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::desk::Desk;

/// Where everything of one run lies.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The folder; emptied at the start.
    pub folder: PathBuf,
    /// UDP port of the carrier.
    pub carrier_port: u16,
    /// SIP port of tocsin.
    pub sip_port: u16,
    /// HTTPS port of tocsin.
    pub web_port: u16,
    /// Calls at once.
    pub channels: u32,
    /// New calls a second.
    pub calls_per_second: u32,
    /// Password of the user `admin`.
    pub password: String,
    /// What the journal is kept in, if not the usual store.
    pub store: Option<String>,
}

impl Stage {
    /// Lays the folder out and chooses free ports.
    ///
    /// # Errors
    /// When the folder is not ours to empty, or cannot be written.
    pub fn lay(folder: &Path, channels: u32, calls_per_second: u32, password: String) -> anyhow::Result<Stage> {
        const MARK: &str = "made-by-demo";
        if folder.exists() {
            let is_ours = folder.join(MARK).exists() || folder.read_dir()?.next().is_none();
            if !is_ours {
                bail!(
                    "{} holds files that are not of a demonstration; choose another --folder",
                    folder.display()
                );
            }
            fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(folder.join(MARK), "This folder is emptied by the next demonstration.\n")?;
        // Held together so that no two are the same, released before the programs take them.
        let (carrier, sip) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
        let web = TcpListener::bind("127.0.0.1:0")?;
        Ok(Stage {
            folder: folder.canonicalize()?,
            carrier_port: carrier.local_addr()?.port(),
            sip_port: sip.local_addr()?.port(),
            web_port: web.local_addr()?.port(),
            channels,
            calls_per_second,
            password,
            store: None,
        })
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes tocsin's configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_configuration(&self) -> anyhow::Result<()> {
        let Stage {
            carrier_port,
            sip_port,
            web_port,
            channels,
            calls_per_second,
            password,
            store,
            ..
        } = self;
        let journal = store
            .as_ref()
            .map_or_else(String::new, |store| format!("[journal]\nstore = \"{store}\"\n\n"));
        let text = format!(
            r#"# Written by the demonstration. The commented example is tocsin.example.toml.
data = "data"

{journal}[web]
listen = "127.0.0.1:{web_port}"

[sip]
listen = "127.0.0.1:{sip_port}"

[media]
address = "127.0.0.1"
ports = "20000-30000"

[[trunk]]
name = "carrier"
host = "127.0.0.1"
port = {carrier_port}
transport = "udp"
callers = ["+33199000000"]
channels = {channels}
calls_per_second = {calls_per_second}

[[user]]
name = "admin"
password = "{password}"
"#
        );
        Ok(fs::write(self.path("tocsin.toml"), text)?)
    }

    /// Starts the carrier and waits until it takes calls.
    ///
    /// # Errors
    /// When the program is not there or stops at once.
    pub fn start_carrier(&self, seed: u64, pace: f64, silence: Duration) -> anyhow::Result<Program> {
        let counts = self.path("carrier.json");
        let program = Program::start(
            "carrier",
            &[
                "--listen",
                &format!("127.0.0.1:{}", self.carrier_port),
                "--phones",
                &self.path("phones.csv").to_string_lossy(),
                "--counts",
                &counts.to_string_lossy(),
                "--seed",
                &seed.to_string(),
                "--pace",
                &pace.to_string(),
                "--silence",
                &silence.as_secs_f64().to_string(),
                // Should this program be killed, the carrier does not stay for ever.
                "--max-seconds",
                "7200",
            ],
            &self.path("carrier.log"),
        )?;
        program.wait_until("has written its first counts", || counts.exists())
    }

    /// Starts tocsin, and does not wait.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn start_tocsin(&self) -> anyhow::Result<Program> {
        let configuration = self.path("tocsin.toml");
        Program::start(
            "tocsin",
            &["serve", "--config", &configuration.to_string_lossy()],
            &self.path("tocsin.log"),
        )
    }

    /// Starts tocsin under a tracer that holds up each flush of these files, and does not wait.
    ///
    /// # Errors
    /// When strace or the program is not there.
    pub fn start_slow_tocsin(&self, files: &[PathBuf], flush: Duration) -> anyhow::Result<Program> {
        let configuration = self.path("tocsin.toml").to_string_lossy().into_owned();
        let program = beside("tocsin")?.to_string_lossy().into_owned();
        // The program is our child, and the tracer one of its own: signals and the end go to and come from tocsin itself.
        let mut command = Command::new("strace");
        command.args([
            "--daemonize",
            "--follow-forks",
            "--seccomp-bpf",
            "--quiet=all",
            "--output=/dev/null",
        ]);
        command.arg("--trace=fsync,fdatasync");
        command.arg(format!("--inject=fsync,fdatasync:delay_enter={}", flush.as_micros()));
        for file in files {
            command.arg("--trace-path").arg(file);
        }
        command.args([program.as_str(), "serve", "--config", &configuration]);
        Program::run("tocsin", command, &self.path("tocsin.log")).context("strace (package strace) cannot be run")
    }

    /// Signs in at tocsin's desk.
    ///
    /// # Errors
    /// When tocsin does not answer, or refuses.
    pub fn sign_in(&self) -> anyhow::Result<Desk> {
        Desk::sign_in(self.web_port, &self.certificate()?, "admin", &self.password)
    }

    /// The certificate that tocsin made for itself.
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        let data = self.path("data");
        let found = [
            data.join("certificate.pem"),
            data.join("web/certificate.pem"),
            data.join("api/certificate.pem"),
        ]
        .into_iter()
        .find(|path| path.exists())
        .with_context(|| format!("no certificate.pem in {}", data.display()))?;
        Ok(fs::read(found)?)
    }
}

/// A program of ours that runs until it is dropped.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program that lies beside this one, its output going to a log file (appended to, as after a restart).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &'static str, arguments: &[&str], log: &Path) -> anyhow::Result<Program> {
        let mut command = Command::new(beside(name)?);
        command.args(arguments);
        Program::run(name, command, log)
    }

    fn run(name: &'static str, mut command: Command, log: &Path) -> anyhow::Result<Program> {
        let output = fs::File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Program {
            name,
            child,
            log: log.to_owned(),
        })
    }

    /// Waits until `is_ready`, at most 60 seconds; a program that has stopped meanwhile is an error with the end of its log.
    ///
    /// # Errors
    /// When the program stops or does not become ready.
    pub fn wait_until(mut self, what: &str, is_ready: impl Fn() -> bool) -> anyhow::Result<Program> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_ready() {
            self.check()?;
            if Instant::now() > deadline {
                bail!(
                    "{} has started, but never {what}; its log ends:\n{}",
                    self.name,
                    self.end_of_log()
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }

    /// Waits until tocsin's HTTPS port answers.
    ///
    /// # Errors
    /// When it stops before.
    pub fn wait_until_served(self, stage: &Stage) -> anyhow::Result<Program> {
        let address = ("127.0.0.1", stage.web_port);
        self.wait_until("listens on its HTTPS port", || {
            // The port may be bound before the certificate of the very first start is written.
            stage.certificate().is_ok() && TcpStream::connect(address).is_ok()
        })
    }

    /// An error if the program has stopped by itself.
    ///
    /// # Errors
    /// With its status and the end of its log.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} has stopped ({status}); its log ends:\n{}",
                self.name,
                self.end_of_log()
            );
        }
        Ok(())
    }

    /// Kills the program as a power cut would: no handler of its own runs.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .with_context(|| format!("cannot kill {}", self.name))?;
        Ok(())
    }

    /// Asks the program to stop, and waits at most 20 seconds for it.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32)
            && self.child.try_wait()?.is_none()
        {
            kill_process(pid, Signal::TERM)?;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.kill()?;
                bail!(
                    "{} did not stop within 20 seconds of SIGTERM; its log ends:\n{}",
                    self.name,
                    self.end_of_log()
                );
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process, for measurements.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn end_of_log(&self) -> String {
        let mut text = String::new();
        if fs::File::open(&self.log)
            .and_then(|mut file| file.read_to_string(&mut text))
            .is_err()
        {
            return format!("(cannot be read: {})", self.log.display());
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Whatever happened, nothing of ours keeps running.
        let _ = self.stop();
    }
}

/// A program of the same build.
///
/// # Errors
/// When it has not been built.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let path = here.with_file_name(name);
    if !path.exists() {
        bail!(
            "{} is missing; build it with: cargo build --workspace --bins",
            path.display()
        );
    }
    Ok(path)
}
