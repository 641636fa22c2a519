//! ITU-T G.711: 8-bit logarithmic PCM, A-law and µ-law, by tables that the compiler computes.

/// 13-bit linear to A-law. Indexed by the sample's upper 13 bits.
static ALAW_ENCODE: [u8; 8_192] = {
    let mut table = [0; 8_192];
    let mut i = 0;
    while i < 8_192 {
        table[i] = compress_alaw(i as i32 - 4_096);
        i += 1;
    }
    table
};

/// 14-bit linear to µ-law. Indexed by the sample's upper 14 bits.
static ULAW_ENCODE: [u8; 16_384] = {
    let mut table = [0; 16_384];
    let mut i = 0;
    while i < 16_384 {
        table[i] = compress_ulaw(i as i32 - 8_192);
        i += 1;
    }
    table
};

static ALAW_DECODE: [i16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = expand_alaw(i as u8);
        i += 1;
    }
    table
};

static ULAW_DECODE: [i16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = expand_ulaw(i as u8);
        i += 1;
    }
    table
};

/// One sample to A-law.
#[inline]
pub fn alaw_encode(sample: i16) -> u8 {
    ALAW_ENCODE[((i32::from(sample) >> 3) + 4_096) as usize]
}

/// One sample from A-law.
#[inline]
pub fn alaw_decode(code: u8) -> i16 {
    ALAW_DECODE[code as usize]
}

/// One sample to µ-law.
#[inline]
pub fn ulaw_encode(sample: i16) -> u8 {
    ULAW_ENCODE[((i32::from(sample) >> 2) + 8_192) as usize]
}

/// One sample from µ-law.
#[inline]
pub fn ulaw_decode(code: u8) -> i16 {
    ULAW_DECODE[code as usize]
}

/// G.711 table 1: 13 segments over ±4096, even bits inverted.
const fn compress_alaw(value: i32) -> u8 {
    let (sign, magnitude) = if value >= 0 { (0x80, value) } else { (0, -value - 1) };
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let segment = (magnitude as u32).ilog2() as i32 - 4;
        (segment << 4) | ((magnitude >> segment) & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}

/// The middle of each decision interval, scaled to 16 bits.
const fn expand_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code as i32 >> 4) & 7;
    let step = ((code as i32) & 0x0f) * 2 + 1;
    let magnitude = if segment == 0 {
        step
    } else {
        (step + 32) << (segment - 1)
    };
    let value = (magnitude << 3) as i16;
    if code & 0x80 != 0 { value } else { -value }
}

/// G.711 table 2: 15 segments over ±8159, biased by 33, all bits inverted.
const fn compress_ulaw(value: i32) -> u8 {
    let (sign, magnitude) = if value >= 0 { (0x80, value) } else { (0, -value - 1) };
    let biased = if magnitude > 8_158 { 8_191 } else { magnitude + 33 };
    let segment = (biased as u32).ilog2() as i32 - 5;
    let code = (segment << 4) | ((biased >> (segment + 1)) & 0x0f);
    sign | (0x7f - code as u8)
}

const fn expand_ulaw(code: u8) -> i16 {
    let inverted = !code;
    let segment = (inverted as i32 >> 4) & 7;
    let magnitude = (((inverted as i32 & 0x0f) * 2 + 33) << segment) - 33;
    let value = (magnitude << 2) as i16;
    if code & 0x80 != 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_the_recommendation() {
        assert_eq!(alaw_encode(0), 0xd5);
        assert_eq!(alaw_encode(-1), 0x55);
        assert_eq!(alaw_encode(i16::MAX), 0xaa);
        assert_eq!(alaw_encode(i16::MIN), 0x2a);
        assert_eq!(alaw_decode(0xd5), 8);
        assert_eq!(alaw_decode(0xaa), 32_256);
        assert_eq!(ulaw_encode(0), 0xff);
        assert_eq!(ulaw_encode(i16::MAX), 0x80);
        assert_eq!(ulaw_encode(i16::MIN), 0x00);
        assert_eq!(ulaw_decode(0xff), 0);
        assert_eq!(ulaw_decode(0x80), 32_124);
        assert_eq!(ulaw_decode(0x00), -32_124);
    }

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in 0..=255 {
            assert_eq!(alaw_encode(alaw_decode(code)), code, "A-law {code:#x}");
            // µ-law has two zeros; 0x7f decodes to the same value as 0xff.
            if code != 0x7f {
                assert_eq!(ulaw_encode(ulaw_decode(code)), code, "µ-law {code:#x}");
            }
        }
    }

    #[test]
    fn the_error_never_exceeds_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let alaw = (i32::from(sample) - i32::from(alaw_decode(alaw_encode(sample)))).abs();
            assert!(
                alaw <= (magnitude / 32).max(8) + 8 || magnitude > 32_256,
                "A-law {sample}: {alaw}"
            );
            let ulaw = (i32::from(sample) - i32::from(ulaw_decode(ulaw_encode(sample)))).abs();
            assert!(
                ulaw <= magnitude / 28 + 8 || magnitude > 32_124,
                "µ-law {sample}: {ulaw}"
            );
        }
    }
}
