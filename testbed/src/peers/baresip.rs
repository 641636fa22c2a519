//! baresip, a telephone that somebody else wrote: it answers, speaks, and presses a key when told over its control port.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, ensure};
use rtp_media::wav;

use super::{Check, dial, sipp::wait_for};

/// The checks with baresip; each works in a folder of its own below `folder`.
pub fn checks(folder: &Path) -> Vec<Check> {
    let folder = folder.join("baresip");
    vec![Check {
        name: "baresip".to_owned(),
        story: "an independent telephone answers, hears the tone, and its key is heard",
        run: Box::new(move || answers_and_presses(&folder)),
    }]
}

struct Telephone {
    child: Child,
    port: u16,
    control: u16,
}

impl Telephone {
    fn start(folder: &Path) -> anyhow::Result<Telephone> {
        fs::create_dir_all(folder)?;
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let control = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let silence = folder.join("silence.wav");
        fs::write(&silence, wav::write(&[0; 8_000 * 30], 8_000))?;
        let configuration = format!(
            "poll_method epoll\n\
             sip_listen 127.0.0.1:{port}\n\
             net_interface 127.0.0.1\n\
             audio_source aufile,{silence}\n\
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
            silence = silence.display(),
            modules = modules()?,
            folder = folder.display(),
        );
        fs::write(folder.join("config"), configuration)?;
        fs::write(
            folder.join("accounts"),
            format!("<sip:telephone@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma\n"),
        )?;
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
        let telephone = Telephone { child, port, control };
        wait_for(port, Duration::from_secs(10))?;
        Ok(telephone)
    }

    /// Presses a key in the call that is up.
    fn press(&self, key: char) -> anyhow::Result<()> {
        let order = format!(r#"{{"command":"sndcode","params":"{key}","token":"key"}}"#);
        let mut control = TcpStream::connect(("127.0.0.1", self.control)).context("baresip's control port")?;
        control.set_read_timeout(Some(Duration::from_secs(5)))?;
        // A netstring: length, colon, text, comma.
        write!(control, "{}:{order},", order.len())?;
        let mut reply = [0; 512];
        let length = control.read(&mut reply)?;
        let reply = String::from_utf8_lossy(&reply[..length]).into_owned();
        ensure!(reply.contains("\"ok\":true"), "baresip did not press the key: {reply}");
        Ok(())
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers_and_presses(folder: &Path) -> anyhow::Result<()> {
    let telephone = Telephone::start(folder)?;
    let to = format!("sip:telephone@127.0.0.1:{}", telephone.port);
    let dialled = thread::scope(|scope| {
        let call = scope.spawn(|| dial::dial(folder, &to, 4.0, &[]));
        // The key is pressed inside the four seconds of sound; baresip refuses as long as there is no call.
        let pressed = (0..40).find_map(|_| {
            thread::sleep(Duration::from_millis(100));
            is_in_call(folder).then(|| {
                thread::sleep(Duration::from_millis(800));
                telephone.press('1')
            })
        });
        let dialled = call.join().map_err(|_| anyhow::anyhow!("the caller panicked"))??;
        pressed.context("baresip never answered")??;
        anyhow::Ok(dialled)
    })
    .with_context(|| {
        format!(
            "baresip: {}",
            fs::read_to_string(folder.join("baresip.log")).unwrap_or_default()
        )
    })?;
    ensure!(dialled.is_success, "tocsin was not content: {}", dialled.told);
    ensure!(
        dialled.told["digits"] == "1",
        "tocsin did not hear the key: {}",
        dialled.told
    );
    drop(telephone);
    let tone = heard_tone(folder)?;
    ensure!(
        tone > 0.8,
        "the telephone heard the 440 Hz tone for only {:.0} % of what it heard",
        tone * 100.0
    );
    Ok(())
}

fn is_in_call(folder: &Path) -> bool {
    fs::read_to_string(folder.join("baresip.log")).is_ok_and(|log| log.contains("Set audio encoder"))
}

/// Share of the loudest three seconds' power that is the 440 Hz tone, in what baresip decoded (its sndfile module writes that).
fn heard_tone(folder: &Path) -> anyhow::Result<f64> {
    let recorded = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().ends_with("dec.wav"))
        })
        .context("baresip has recorded nothing")?;
    let bytes = fs::read(recorded)?;
    let samples: Vec<f64> = bytes
        .get(44..)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])))
        .collect();
    let (mut in_tone, mut total) = (0.0, 0.0);
    // Blocks of 100 ms hold 44 whole periods of the tone.
    for block in samples.chunks_exact(800) {
        let power: f64 = block.iter().map(|s| s * s).sum::<f64>();
        if power / 800.0 < 1_000_000.0 {
            continue;
        }
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in block.iter().enumerate() {
            let angle = std::f64::consts::TAU * 440.0 * n as f64 / 8_000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        in_tone += 2.0 * (re * re + im * im) / 800.0;
        total += power;
    }
    ensure!(total > 0.0, "baresip heard only silence");
    Ok(in_tone / total)
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
