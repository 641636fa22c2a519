//! spandsp's detector, in a process of its own: a C program that is compiled on the spot.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Reads pieces of audio (a count, then samples; a negative count asks for the time) and answers each with a line.
const PROGRAM: &str = r#"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <spandsp.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static int run(const int16_t *pcm, int count, char *digits, int room) {
    int total = 0;
    dtmf_rx_state_t *state = dtmf_rx_init(NULL, NULL, NULL);
    for (int at = 0; at < count; at += 160) {
        dtmf_rx(state, pcm + at, count - at < 160 ? count - at : 160);
        total += (int) dtmf_rx_get(state, digits + total, room - total - 1);
    }
    digits[total] = 0;
    dtmf_rx_free(state);
    return total;
}

int main(void) {
    static char digits[65536];
    int32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        int timed = count < 0;
        if (timed) count = -count;
        int16_t *pcm = malloc(sizeof *pcm * (size_t) count + 2);
        if (fread(pcm, sizeof *pcm, (size_t) count, stdin) != (size_t) count) return 1;
        if (timed) {
            double best = 1e18;
            for (int round = 0; round < 7; round++) {
                double start = now();
                run(pcm, count, digits, sizeof digits);
                double spent = now() - start;
                if (spent < best) best = spent;
            }
            printf("%f\n", best / (count / 160));
        } else {
            run(pcm, count, digits, sizeof digits);
            printf("%s\n", digits);
        }
        fflush(stdout);
        free(pcm);
    }
    return 0;
}
"#;

pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start() -> Result<Peer> {
        let folder = std::env::temp_dir().join(format!("tocsin-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let source = folder.join("peer.c");
        let program = folder.join("peer");
        std::fs::write(&source, PROGRAM)?;
        let built = Command::new("cc")
            .args(["-O2", "-o"])
            .args([&program, &source])
            .args(["-lspandsp", "-lm"])
            .stderr(Stdio::null())
            .status();
        let started = match built {
            Ok(status) if status.success() => Command::new(&program)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn(),
            _ => bail!("cannot compile against spandsp"),
        };
        let _ = std::fs::remove_dir_all(&folder);
        let mut child = started?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Peer { child, input, output })
    }

    /// What is heard in each piece.
    pub fn digits<'a>(&mut self, pieces: impl Iterator<Item = &'a [i16]>) -> Result<Vec<String>> {
        pieces.map(|pcm| self.ask(pcm, 1)).collect()
    }

    /// CPU per frame of 160 samples.
    pub fn nanoseconds(&mut self, pcm: &[i16]) -> Result<f64> {
        Ok(self.ask(pcm, -1)?.parse()?)
    }

    fn ask(&mut self, pcm: &[i16], sign: i32) -> Result<String> {
        let input = self.input.as_mut().context("no input")?;
        let mut bytes = (pcm.len() as i32 * sign).to_le_bytes().to_vec();
        bytes.extend(pcm.iter().flat_map(|s| s.to_le_bytes()));
        input.write_all(&bytes)?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
