//! Tar archives as a stream: one regular member after the other, nothing written anywhere, no name trusted.

use super::source::{Ahead, Bytes};
use crate::fault::{Code, Fault, Position};

/// Size of a header and of the unit that contents are padded to.
pub(crate) const UNIT: usize = 512;
/// Longest extended header that is read; names and sizes need a few hundred bytes.
const EXTENDED: u64 = 1 << 20;

/// Whether `head` starts with a tar header, as its checksum says, or with the end mark of an archive without members.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    if head.len() >= 2 * UNIT && head[..2 * UNIT].iter().all(|byte| *byte == 0) {
        return true;
    }
    head.len() >= UNIT && head[0] != 0 && checksum(head).is_some_and(|(stated, sum)| stated == sum)
}

/// The stated checksum and the computed one.
fn checksum(header: &[u8]) -> Option<(u64, u64)> {
    let sum = |range: &[u8]| range.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    let blank = 8 * u64::from(b' ');
    Some((number(&header[148..156])?, sum(&header[..148]) + blank + sum(&header[156..UNIT])))
}

/// A number: octal digits with blanks or NULs about them, or big-endian binary behind a set first bit.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        return field[1..]
            .iter()
            .try_fold(u64::from(field[0] & 0x7F), |sum, byte| sum.checked_mul(256).map(|sum| sum | u64::from(*byte)));
    }
    let digits = field.split(|byte| matches!(byte, b' ' | 0)).find(|part| !part.is_empty()).unwrap_or_default();
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(digit - b'0')),
        _ => None,
    })
}

/// Text up to the first NUL.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// An archive being read. Reading gives the bytes of the member that [`Tar::next`] named last.
pub(crate) struct Tar<B> {
    inner: Ahead<B>,
    /// Bytes of the member that are still to come, and its padding.
    left: u64,
    padding: u64,
}

impl<B: Bytes> Tar<B> {
    /// An archive whose first header lies ahead.
    pub(crate) fn new(inner: Ahead<B>) -> Self {
        Tar { inner, left: 0, padding: 0 }
    }

    /// The source, once the archive has ended.
    pub(crate) fn source(&mut self) -> &mut B {
        self.inner.behind()
    }

    /// Skips what is left of this member and names the next regular one.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Fault> {
        let (mut long_name, mut long_size) = (None, None);
        loop {
            self.skip()?;
            let mut header = [0; UNIT];
            match self.inner.fill(&mut header)? {
                UNIT => {}
                _ => return Err(truncated("before its end mark")),
            }
            if header.iter().all(|byte| *byte == 0) {
                self.end()?;
                return Ok(None);
            }
            if checksum(&header).is_none_or(|(stated, sum)| stated != sum) {
                return Err(Fault::new(Code::ArchiveCorrupt, "a member's header does not match its checksum"));
            }
            let name = long_name.clone().unwrap_or_else(|| full_name(&header));
            let kind = header[156];
            let stated =
                number(&header[124..136]).ok_or_else(|| Fault::new(Code::ArchiveCorrupt, "a member has no size"))?;
            let size = if matches!(kind, b'x' | b'g' | b'L' | b'K') { stated } else { long_size.unwrap_or(stated) };
            self.left = size;
            self.padding = size.wrapping_neg() % UNIT as u64;
            match kind {
                b'x' => {
                    let records = self.extended(size)?;
                    long_name = pax(&records, "path").or(long_name);
                    long_size = pax(&records, "size").and_then(|size| size.parse().ok());
                    if pax(&records, "GNU.sparse.major").is_some() || pax(&records, "GNU.sparse.size").is_some() {
                        return Err(special(&name, "a sparse file"));
                    }
                    continue;
                }
                b'L' => {
                    long_name = Some(text(&self.extended(size)?));
                    continue;
                }
                b'g' | b'K' | b'V' => continue,
                _ => {}
            }
            check_path(&name)?;
            match kind {
                b'0' | 0 | b'7' if !name.ends_with('/') => return Ok(Some(name)),
                b'5' | b'0' | 0 | b'7' => {}
                b'1' | b'2' => {
                    return Err(Fault::new(Code::ArchiveLink, format!("the member {name:?} is a link")).at(at(&name)));
                }
                b'3' | b'4' => return Err(special(&name, "a device")),
                b'6' => return Err(special(&name, "a pipe")),
                b'S' => return Err(special(&name, "a sparse file")),
                _ => return Err(special(&name, "of an unknown kind")),
            }
            (long_name, long_size) = (None, None);
        }
    }

    /// Passes over what is left of the member.
    fn skip(&mut self) -> Result<(), Fault> {
        let mut left = self.left.checked_add(self.padding).ok_or_else(|| truncated("within a member"))?;
        let mut scratch = [0; 16 * 1024];
        while left > 0 {
            let wanted = left.min(scratch.len() as u64) as usize;
            if self.inner.fill(&mut scratch[..wanted])? < wanted {
                return Err(truncated("within a member"));
            }
            left -= wanted as u64;
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// Reads a whole extended header.
    fn extended(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > EXTENDED {
            return Err(Fault::new(Code::ArchiveCorrupt, "an extended header is too long"));
        }
        let mut bytes = vec![0; size as usize];
        let filled = self.fill(&mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// After the first end block: nothing but zeros may follow.
    fn end(&mut self) -> Result<(), Fault> {
        let mut rest = vec![0; 64 * 1024];
        loop {
            match self.inner.fill(&mut rest)? {
                0 => return Ok(()),
                count if rest[..count].iter().any(|byte| *byte != 0) => {
                    return Err(Fault::new(Code::TrailingGarbage, "bytes follow the archive's end mark"));
                }
                _ => {}
            }
        }
    }
}

impl<B: Bytes> Bytes for Tar<B> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let wanted = self.left.min(out.len() as u64) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut out[..wanted])?;
        if count == 0 {
            return Err(truncated("within a member"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn at(name: &str) -> Position {
    Position { member: name.into(), ..Position::default() }
}

fn truncated(place: &str) -> Fault {
    Fault::new(Code::ArchiveTruncated, format!("the tar archive ends {place}"))
}

fn special(name: &str, what: &str) -> Fault {
    Fault::new(Code::ArchiveSpecial, format!("the member {name:?} is {what}")).at(at(name))
}

/// The name as the header has it, its prefix in front.
fn full_name(header: &[u8; UNIT]) -> String {
    let name = text(&header[..100]);
    let prefix = if header[257..].starts_with(b"ustar\0") { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// The value of `key` among the records `length key=value\n` of an extended header; the last one counts.
fn pax(mut records: &[u8], key: &str) -> Option<String> {
    let mut found = None;
    while let Some(space) = records.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
        let record = records.get(space + 1..length)?;
        if let Some(value) = record.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
            let value = value.strip_suffix(b"\n").unwrap_or(value);
            found = Some(String::from_utf8_lossy(value).into_owned());
        }
        records = &records[length..];
    }
    found
}

/// Refuses names that would leave the archive's own folder if anybody unpacked it.
fn check_path(name: &str) -> Result<(), Fault> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    let climbs = name.split(['/', '\\']).any(|part| part == "..");
    if drive || climbs || name.starts_with('/') || name.contains('\\') || name.is_empty() {
        return Err(
            Fault::new(Code::ArchivePath, format!("the member name {name:?} is not a plain file name")).at(at(name))
        );
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header of `kind`.
    pub(crate) fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
        let mut header = vec![0; UNIT];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    /// An archive of `members`, without its end mark.
    pub(crate) fn members(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, kind, content) in members {
            bytes.extend(header(name, *kind, content.len()));
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().next_multiple_of(UNIT), 0);
        }
        bytes
    }

    /// A whole archive of regular files.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let files: Vec<_> = files.iter().map(|(name, content)| (*name, b'0', *content)).collect();
        let mut bytes = members(&files);
        bytes.resize(bytes.len() + 2 * UNIT, 0);
        bytes
    }

    fn names(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Code> {
        let mut tar = Tar::new(Ahead::new(bytes));
        let mut found = Vec::new();
        while let Some(name) = tar.next().map_err(|fault| fault.code)? {
            let mut content = vec![0; 10_000];
            let count = tar.fill(&mut content).map_err(|fault| fault.code)?;
            content.truncate(count);
            found.push((name, content));
        }
        Ok(found)
    }

    #[test]
    fn members_come_in_order_with_their_bytes() {
        let long = vec![7; 1000];
        let bytes = archive(&[("a.csv", b"x"), ("b", &long), ("empty", b"")]);
        assert!(is_tar(&bytes));
        assert!(is_tar(&[0; 2 * UNIT]), "an archive without members");
        assert!(!is_tar(&[0; UNIT]), "too short for an end mark");
        assert_eq!(names(&bytes), Ok(vec![("a.csv".into(), vec![b'x']), ("b".into(), long), ("empty".into(), vec![])]));
    }

    #[test]
    fn extended_headers_rename_the_next_member_only() {
        let bytes = [
            members(&[("x", b'x', b"18 path=items.csv\n"), ("short", b'0', b"1"), ("b", b'0', b"2")]),
            members(&[("L", b'L', b"long.csv\0"), ("c", b'0', b"3"), ("dir/", b'5', b"")]),
            vec![0; 1024],
        ];
        let found = names(&bytes.concat()).unwrap_or_default();
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["items.csv", "b", "long.csv"]);
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        for (name, kind, code) in [
            ("../x", b'0', Code::ArchivePath),
            ("/x", b'0', Code::ArchivePath),
            ("C:\\x", b'0', Code::ArchivePath),
            ("a/../b", b'5', Code::ArchivePath),
            ("x", b'1', Code::ArchiveLink),
            ("x", b'2', Code::ArchiveLink),
            ("x", b'3', Code::ArchiveSpecial),
            ("x", b'6', Code::ArchiveSpecial),
            ("x", b'S', Code::ArchiveSpecial),
        ] {
            assert_eq!(names(&members(&[(name, kind, b"")])), Err(code), "{name} {}", kind as char);
        }
    }

    #[test]
    fn a_cut_archive_is_truncated_wherever_it_is_cut() {
        let bytes = archive(&[("items.csv", &[b'x'; 700])]);
        for length in 1..bytes.len() - 2 * UNIT + 1 {
            assert_eq!(names(&bytes[..length]), Err(Code::ArchiveTruncated), "{length}");
        }
        let mut bytes = bytes;
        bytes.push(b'x');
        assert_eq!(names(&bytes), Err(Code::TrailingGarbage));
    }
}
