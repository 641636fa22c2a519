//! How much of a message is read before it is refused.

/// Ceilings for one message. All sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The whole message: start line, header and body. A datagram cannot hold more than 65,535.
    pub message: usize,
    /// Start line and header together; on a stream, where the end has to be searched for.
    pub head: usize,
    /// The Request-URI.
    pub uri: usize,
    /// Number of header fields.
    pub headers: usize,
    /// Values of Via, Route or Record-Route that are looked at.
    pub values: usize,
    /// How deep multipart bodies may be nested.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message: 65_535,
            head: 32_768,
            uri: 4_096,
            headers: 192,
            values: 70,
            nesting: 4,
        }
    }
}
