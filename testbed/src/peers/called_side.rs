//! The answering program as a process, and what it said.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rtp_media::wav;
use serde_json::Value;

use super::{dial::tone, ports};
use crate::demo::stage::beside;

/// A running answering program.
pub struct Called {
    child: Child,
    output: PathBuf,
    address: String,
    /// Where it listens.
    pub port: u16,
}

impl Called {
    /// Starts it on a free port of `address`. It plays `seconds` of a 440 Hz tone in each call.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen soon.
    pub fn start(folder: &Path, address: &str, arguments: &[&str], seconds: f64, pace: u32) -> anyhow::Result<Called> {
        let port = ports::free(address)?;
        let sound = folder.join("tone.wav");
        fs::write(&sound, wav::write(&tone(seconds), 8_000))?;
        let output = folder.join("callee.json");
        let callee = beside("callee")?;
        let mut command = if pace == 1 {
            Command::new(callee)
        } else {
            let mut command = Command::new("faketime");
            command.args(["-f", &format!("+0 x{pace}")]).arg(callee);
            command
        };
        let wait = (40 * pace).to_string();
        let child = command
            .args(["--listen", &format!("{address}:{port}"), "--wait", &wait, "--play"])
            .arg(&sound)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&output)?)
            .stderr(fs::File::create(folder.join("callee.log"))?)
            .spawn()
            .context("cannot start the answering program, or faketime (package faketime)")?;
        let called = Called {
            child,
            output,
            address: address.to_owned(),
            port,
        };
        ports::wait_for(port, Duration::from_secs(10)).context("the answering program")?;
        Ok(called)
    }

    /// Where it is called.
    pub fn address(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    /// Waits a few seconds for the stories of so many calls, ends it, and gives them.
    ///
    /// # Errors
    /// When what it said cannot be read.
    pub fn end(&mut self, calls: usize) -> anyhow::Result<Vec<Value>> {
        // It ends by itself after its last call; where none may come, a short look must do.
        let patience = Duration::from_millis(if calls == 0 { 300 } else { 8_000 });
        let deadline = Instant::now() + patience;
        let stories = loop {
            let text = fs::read_to_string(&self.output)?;
            let is_over = self.child.try_wait()?.is_some();
            if is_over || Instant::now() > deadline {
                break text;
            }
            thread::sleep(Duration::from_millis(20));
        };
        self.kill();
        let read = |line: &str| serde_json::from_str(line).with_context(|| line.to_owned());
        stories.lines().map(read).collect()
    }

    fn kill(&mut self) {
        // If it has ended, these do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        self.kill();
    }
}
