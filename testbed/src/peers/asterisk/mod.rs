//! Asterisk, the PBX that most others are measured by. It lives in a root folder of its own (`scripts/asterisk-root.sh` makes one), is
//! run there by `chroot`, and shares this machine's loopback.

mod pbx;

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context, ensure};

use super::{
    Check,
    baresip::expect_digits,
    called_side::Called,
    dial::{self, PASSWORD, USER},
    sound,
};
pub use pbx::{Pbx, Role};

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

/// Answers, or calls us, and says which keys it heard.
const TALKER: Role = Role {
    calls: 1,
    pjsip: "[global]\ntype=global\nendpoint_identifier_order=username,ip\n\
         [udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:@PORT@\n\
         [password]\ntype=auth\nauth_type=userpass\nusername=@USER@\npassword=@PASSWORD@\n\
         [common](!)\ntype=endpoint\ntransport=udp\ncontext=in\ndisallow=all\nallow=alaw\ndirect_media=no\nauth=password\n\
         [events](common)\ndtmf_mode=rfc4733\n\
         [tones](common)\ndtmf_mode=inband\n\
         [secure](common)\ndtmf_mode=rfc4733\nmedia_encryption=sdes\n\
         [out]\ntype=endpoint\ntransport=udp\ncontext=in\ndisallow=all\nallow=alaw\ndirect_media=no\naors=out\n\
         [out]\ntype=aor\ncontact=sip:service@127.0.0.1:@CALLEE@\n",
    extensions: "[in]\nexten => 100,1,Answer()\n same => n,MixMonitor(@INSIDE@/both.wav,r(@INSIDE@/heard.wav))\n \
         same => n,Read(KEY,,1,,1,6)\n same => n,Log(NOTICE,heard key ${KEY})\n same => n,SendDTMF(12)\n same => n,Wait(20)\n",
};

/// Starts it; `callee` is the port of whom it may call.
fn start(root: &Path, folder: &Path, callee: u16) -> anyhow::Result<Pbx> {
    let callee = callee.to_string();
    let own = [
        ("@CALLEE@", callee.as_str()),
        ("@USER@", USER),
        ("@PASSWORD@", PASSWORD),
    ];
    Pbx::start(root, folder, &TALKER, &own)
}

/// Insists on the tone and the key that it heard.
fn expect(pbx: &Pbx, key: Option<char>, seconds: f64) -> anyhow::Result<()> {
    let text = format!("heard key {}", key.map(String::from).unwrap_or_default());
    pbx.wait_for(&text)?;
    // The recording is closed with the channel.
    thread::sleep(Duration::from_millis(500));
    sound::expect_tone(&pbx.file("heard.wav"), seconds)
}

fn called(root: &Path, folder: &Path, endpoint: &str, key: Option<char>, arguments: &[&str]) -> anyhow::Result<()> {
    let pbx = start(root, folder, 9)?;
    let press = key.map(String::from).unwrap_or_default();
    let mut all = vec!["--user", USER, "--from", endpoint, "--press", &press];
    all.extend(arguments);
    let to = format!("sip:100@127.0.0.1:{}", pbx.port());
    let dialled = dial::dial(folder, &to, &dial::Settings::new(8.0, &all)).with_context(|| pbx.log())?;
    ensure!(
        dialled.is_success,
        "tocsin was not content: {}\n{}",
        dialled.told,
        pbx.log()
    );
    expect_digits(&dialled.told, "12")?;
    expect(&pbx, key, 5.0)
}

fn calls(root: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let arguments = ["--from", "127.0.0.1", "--after", "0.3", "--press", "4"];
    // Shorter than the patience of `Called::end`.
    let mut called = Called::start(folder, "127.0.0.1", &arguments, 5.0, 1)?;
    let pbx = start(root, folder, called.port)?;
    pbx.order("channel originate PJSIP/out extension 100@in")?;
    let calls = called.end(1)?;
    let told = calls.first().with_context(|| pbx.log())?;
    expect_digits(told, "12")?;
    expect(&pbx, Some('4'), 3.0)
}
