//! What the same work costs in Asterisk, the PBX that most others are measured by: SIPp calls it on one core from another.
//!
//! Two measurements: calls that are answered and ended at once (signalling), and two-way calls that hear a message while
//! Asterisk waits for a key (RFC 4733). Asterisk lives in a folder that `scripts/asterisk-root.sh` makes. One JSON object on
//! stdout.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use benches::{core, udp_limit};
use clap::Parser;
use serde::Serialize;
use testbed::peers::asterisk::{Pbx, Role};

/// Measures Asterisk.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder that `scripts/asterisk-root.sh` made.
    root: PathBuf,
    /// Two-way calls at once.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    calls: u16,
    /// Length of the measurement of two-way calls, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Calls a second for the measurement of signalling, ten seconds long.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Asterisk's core.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// SIPp's core.
    #[arg(long, default_value_t = 1)]
    far_core: usize,
}

#[derive(Debug, Serialize)]
struct Outcome {
    version: String,
    udp_limit_us_per_call_second: f64,
    cpu_us_per_call: f64,
    calls: u16,
    /// Datagrams a second and direction while the calls were up; 50 for each call when the pace is kept.
    packets_per_second: f64,
    cpu_us_per_call_second: f64,
    ratio_to_limit: f64,
}

const PBX: Role = Role {
    calls: 1_000,
    pjsip: "[global]\ntype=global\nendpoint_identifier_order=ip\n\
         [udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:@PORT@\n\
         [load]\ntype=endpoint\ntransport=udp\ncontext=in\ndisallow=all\nallow=alaw\nallow=ulaw\ndirect_media=no\n\
         dtmf_mode=rfc4733\n\
         [load]\ntype=identify\nendpoint=load\nmatch=127.0.0.1\n",
    extensions: "[in]\nexten => 600,1,Answer()\n same => n,Read(KEY,@INSIDE@/message,1,,1,60)\n\
         exten => 601,1,Answer()\n same => n,Wait(5)\n",
};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let limit = udp_limit_on(&arguments)?;
    let folder = std::env::temp_dir().join(format!("tocsin-asterisk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).context("a folder for SIPp")?;
    let outcome = measure(&arguments, &folder, limit);
    let _ = std::fs::remove_dir_all(&folder);
    println!("{}", serde_json::to_string(&outcome?)?);
    Ok(())
}

fn udp_limit_on(arguments: &Arguments) -> Result<udp_limit::UdpLimit> {
    core::pin(arguments.core).context("the core of Asterisk")?;
    udp_limit::measure(arguments.far_core).context("the limit of UDP")
}

fn measure(arguments: &Arguments, folder: &Path, before: udp_limit::UdpLimit) -> Result<Outcome> {
    // A child inherits the core of who starts it, so Asterisk is on ours.
    let pbx = Pbx::start(&arguments.root, folder, &PBX, &[])?;
    pbx.order("core set verbose 0")?;
    std::fs::write(pbx.file("message.alaw"), message(60))?;
    std::fs::write(folder.join("voice.alaw"), message(60))?;
    std::fs::write(folder.join("talk.xml"), TALK)?;
    let cpu_us_per_call = signalling(arguments, folder, &pbx)?;
    eprintln!("Asterisk at {}/s: {cpu_us_per_call:.0} us a call", arguments.rate);
    let (packets_per_second, cost) = media(arguments, folder, &pbx)?;
    let limit = before.between(udp_limit_on(arguments)?, 0.5).per_call_second_us();
    eprintln!(
        "Asterisk with {} calls: {cost:.0} us per call-second, {:.1} times the limit of {limit:.0}; {packets_per_second:.0} packets a second each way",
        arguments.calls,
        cost / limit
    );
    Ok(Outcome {
        version: version(&arguments.root)?,
        udp_limit_us_per_call_second: limit,
        cpu_us_per_call,
        calls: arguments.calls,
        packets_per_second,
        cpu_us_per_call_second: cost,
        ratio_to_limit: cost / limit,
    })
}

/// CPU time of Asterisk for one call, in microseconds.
fn signalling(arguments: &Arguments, folder: &Path, pbx: &Pbx) -> Result<f64> {
    let calls = arguments.rate * 10;
    let (rate, count) = (arguments.rate.to_string(), calls.to_string());
    let words = ["-sn", "uac", "-s", "601", "-d", "0", "-r", &rate, "-m", &count];
    let before = core::cpu_time_of(pbx.id());
    let status = sipp(arguments, folder, pbx, &words)?.wait(Duration::from_secs(60))?;
    ensure!(status, "SIPp was not content with Asterisk: {}", errors(folder));
    let cpu = core::cpu_time_of(pbx.id()).saturating_sub(before);
    Ok(cpu.as_secs_f64() * 1e6 / f64::from(calls))
}

/// Datagrams a second each way, and CPU time of Asterisk for a call-second in microseconds, while all calls are up.
fn media(arguments: &Arguments, folder: &Path, pbx: &Pbx) -> Result<(f64, f64)> {
    /// New calls a second.
    const RATE: u16 = 25;
    let ramp = Duration::from_secs(u64::from(arguments.calls / RATE) + 3);
    let hold = (ramp + Duration::from_secs(arguments.seconds + 3))
        .as_millis()
        .to_string();
    let (rate, count) = (RATE.to_string(), arguments.calls.to_string());
    let words = ["-sf", "talk.xml", "-s", "600", "-d", &hold, "-r", &rate, "-m", &count];
    let sipp = sipp(arguments, folder, pbx, &words)?;
    std::thread::sleep(ramp);
    let (start, cpu, datagrams) = (Instant::now(), core::cpu_time_of(pbx.id()), datagrams()?);
    std::thread::sleep(Duration::from_secs(arguments.seconds));
    let cpu = core::cpu_time_of(pbx.id()).saturating_sub(cpu);
    let sent = self::datagrams()?.saturating_sub(datagrams) as f64;
    let elapsed = start.elapsed().as_secs_f64();
    let status = sipp.wait(Duration::from_secs(60))?;
    ensure!(status, "SIPp was not content with Asterisk: {}", errors(folder));
    // Both sides run on this machine: what all sent is what went both ways.
    let each_way = sent / 2.0;
    let asked = f64::from(arguments.calls) * 50.0;
    let pace = each_way / elapsed;
    ensure!(
        pace > asked * 0.5,
        "only {pace:.0} of {asked:.0} packets a second: were these two-way calls?"
    );
    Ok((pace, cpu.as_secs_f64() * 1e6 / (each_way / 50.0)))
}

/// A running SIPp on its core. It is ended when this is dropped.
struct Sipp(Child);

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sipp {
    /// Whether all its calls went well.
    fn wait(mut self, patience: Duration) -> Result<bool> {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.success());
            }
            ensure!(Instant::now() < end, "SIPp has not ended within {patience:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn sipp(arguments: &Arguments, folder: &Path, pbx: &Pbx, words: &[&str]) -> Result<Sipp> {
    let errors = std::fs::File::create(folder.join(ERRORS)).context("a file for SIPp")?;
    core::pin(arguments.far_core).context("the core of SIPp")?;
    let child = Command::new("sipp")
        .args(words)
        .args(["-i", "127.0.0.1", "-nostdin", "-l", "2000"])
        .arg(format!("127.0.0.1:{}", pbx.port()))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn();
    core::pin(arguments.core).context("the core of Asterisk")?;
    Ok(Sipp(
        child.context("sipp cannot be run; install the package sip-tester")?,
    ))
}

/// What SIPp complains of, in its own folder.
const ERRORS: &str = "errors";

fn errors(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(ERRORS)).unwrap_or_default()
}

/// UDP datagrams that this machine has sent.
fn datagrams() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/net/snmp")?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp:"));
    let (names, values) = (lines.next().context("names")?, lines.next().context("values")?);
    let at = names.split_whitespace().position(|name| name == "OutDatagrams");
    let value = at.and_then(|at| values.split_whitespace().nth(at));
    value
        .and_then(|value| value.parse().ok())
        .context("OutDatagrams in /proc/net/snmp")
}

fn version(root: &Path) -> Result<String> {
    let output = Command::new("chroot")
        .arg(root)
        .args(["/usr/sbin/asterisk", "-V"])
        .output()
        .context("chroot; is this run as root?")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Seconds of A-law that are no silence, so that nobody may leave anything out.
fn message(seconds: usize) -> Vec<u8> {
    (0..seconds * 8_000)
        .map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

/// Calls, talks as long as the command line says, and hangs up.
const TALK: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="talk">
  <send retrans="500"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:load@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:load@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=load 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [rtpstream_audio_port] RTP/AVP 8 101
    a=rtpmap:8 PCMA/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
    ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:load@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <nop><action><exec rtp_stream="voice.alaw,-1,8"/></action></nop>
  <pause/>
  <send retrans="500"><![CDATA[
    BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:load@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv response="200"/>
</scenario>
"#;
