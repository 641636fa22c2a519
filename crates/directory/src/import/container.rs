use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{ImportError, Limits};

/// What a file is, by its first bytes; its name can lie.
pub(crate) enum Format {
    Xlsx,
    Xls,
    /// With its `content.xml`.
    Ods(Vec<u8>),
    Text,
}

/// Parts that an archive may have.
const PARTS: usize = 10_000;

/// Recognises the file, and makes sure that an archive does not unpack to more than the limit.
pub(crate) fn sniff(bytes: &[u8], limits: &Limits) -> Result<Format, ImportError> {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"%PDF", "a PDF document"),
        (b"{\\rtf", "a text document (RTF)"),
        (b"\x89PNG", "an image (PNG)"),
        (b"\xff\xd8\xff", "an image (JPEG)"),
        (b"GIF8", "an image (GIF)"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x7fELF", "a program"),
    ];
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ImportError::Empty);
    }
    if let Some((_, found)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ImportError::WrongType { found });
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return archive(bytes, limits);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return compound(bytes);
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)])
        .trim_start()
        .to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<?xml") {
        return Err(ImportError::WrongType {
            found: "a web page or XML document",
        });
    }
    let has_bom = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let binary = bytes
        .iter()
        .take(4096)
        .filter(|byte| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127))
        .count();
    if !has_bom && binary > bytes.len().min(4096) / 100 {
        return Err(ImportError::WrongType { found: "a binary file" });
    }
    Ok(Format::Text)
}

/// The older Microsoft container: a workbook, a document, or a newer workbook under a password.
fn compound(bytes: &[u8]) -> Result<Format, ImportError> {
    let holds = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(bytes, &wide).is_some()
    };
    if holds("EncryptedPackage") {
        Err(ImportError::Protected)
    } else if holds("WordDocument") {
        Err(ImportError::WrongType {
            found: "a Word document",
        })
    } else if holds("Workbook") || holds("Book") {
        Ok(Format::Xls)
    } else {
        Err(ImportError::WrongType {
            found: "a document of another program",
        })
    }
}

fn archive(bytes: &[u8], limits: &Limits) -> Result<Format, ImportError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if zip.len() > PARTS {
        return Err(ImportError::Bomb { limit: limits.unpacked });
    }
    let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
    let has = |start: &str| names.iter().any(|name| name.trim_start_matches('/').starts_with(start));
    if has("word/") {
        return Err(ImportError::WrongType {
            found: "a Word document",
        });
    }
    if has("ppt/") {
        return Err(ImportError::WrongType {
            found: "a presentation",
        });
    }
    let is_xlsx = has("xl/");
    let is_open = has("content.xml");
    if !is_xlsx && !is_open {
        return Err(ImportError::WrongType { found: "a zip archive" });
    }
    // What the archive says of its sizes can lie, so each part that will be read is unpacked once to be weighed.
    let mut budget = limits.unpacked;
    let mut content = Vec::new();
    for place in 0..zip.len() {
        let part = zip.by_index(place).map_err(damaged)?;
        let name = part.name().to_owned();
        if !is_xlsx && name != "content.xml" && name != "META-INF/manifest.xml" && name != "mimetype" {
            continue;
        }
        let mut bounded = part.take(budget + 1);
        let read = if is_xlsx {
            std::io::copy(&mut bounded, &mut std::io::sink()).map_err(damaged)?
        } else {
            let mut unpacked = Vec::new();
            let read = bounded.read_to_end(&mut unpacked).map_err(damaged)? as u64;
            match name.as_str() {
                "content.xml" => content = unpacked,
                "mimetype" if !unpacked.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") => {
                    return Err(ImportError::WrongType {
                        found: "an OpenDocument text or drawing",
                    });
                }
                "META-INF/manifest.xml" if memchr::memmem::find(&unpacked, b"encryption-data").is_some() => {
                    return Err(ImportError::Protected);
                }
                _ => {}
            }
            read
        };
        budget = budget
            .checked_sub(read)
            .ok_or(ImportError::Bomb { limit: limits.unpacked })?;
    }
    Ok(if is_xlsx { Format::Xlsx } else { Format::Ods(content) })
}

fn damaged(error: impl std::fmt::Display) -> ImportError {
    ImportError::Damaged(error.to_string())
}
