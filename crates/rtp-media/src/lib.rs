//! rtp-media
