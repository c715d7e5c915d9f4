//! The few places of Thrift's compact protocol that must be looked at before a library may: they bound what it allocates
//! and how deeply it recurses.

/// Bytes that are being read; `None` from any of its functions means that they are not what they should be, or end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thrift<'t> {
    bytes: &'t [u8],
    at: usize,
}

/// Types of fields and elements.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const SHORT: u8 = 4;
const INT: u8 = 5;
const LONG: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
/// Structures within one another: Parquet's own have six.
const DEEPEST: usize = 16;

impl<'t> Thrift<'t> {
    /// Nothing read yet.
    pub(crate) fn new(bytes: &'t [u8]) -> Self {
        Thrift { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads a structure. `each` gets every field's number and a [`Field`], and takes from it what it wants.
    pub(crate) fn structure(&mut self, each: &mut dyn FnMut(i64, &mut Field<'_, 't>) -> Option<()>) -> Option<()> {
        let mut last = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            last = match head >> 4 {
                0 => self.signed()?,
                step => i64::from(step) + last,
            };
            let mut field = Field { thrift: self, kind: head & 0x0F, taken: false };
            each(last, &mut field)?;
            if !field.taken {
                field.skip()?;
            }
        }
    }

    fn skip(&mut self, kind: u8, in_list: bool, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            // In a list a flag has a byte of its own.
            TRUE | FALSE if in_list => self.byte().map(drop),
            TRUE | FALSE => Some(()),
            BYTE => self.byte().map(drop),
            SHORT | INT | LONG => self.unsigned().map(drop),
            DOUBLE => self.forward(8),
            BINARY => {
                let length = self.unsigned()?;
                self.forward(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, true, depth + 1))
            }
            MAP => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip(kinds >> 4, true, depth + 1)?;
                    self.skip(kinds & 0x0F, true, depth + 1)
                })
            }
            STRUCT => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Some(());
                }
                if head >> 4 == 0 {
                    self.unsigned()?;
                }
                self.skip(head & 0x0F, false, depth + 1)?;
            },
            _ => None,
        }
    }

    /// The type and number of a list's elements, each of which takes at least a byte.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            few => u64::from(few),
        };
        (count <= (self.bytes.len() - self.at) as u64).then_some((head & 0x0F, count))
    }

    fn forward(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }
}

/// One field of a structure.
pub(crate) struct Field<'f, 't> {
    thrift: &'f mut Thrift<'t>,
    kind: u8,
    taken: bool,
}

impl<'t> Field<'_, 't> {
    /// A whole number.
    pub(crate) fn number(&mut self) -> Option<i64> {
        self.taken = true;
        matches!(self.kind, SHORT | INT | LONG).then_some(())?;
        self.thrift.signed()
    }

    /// A flag.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.taken = true;
        matches!(self.kind, TRUE | FALSE).then_some(self.kind == TRUE)
    }

    /// A structure.
    pub(crate) fn structure(&mut self, each: &mut dyn FnMut(i64, &mut Field<'_, 't>) -> Option<()>) -> Option<()> {
        self.taken = true;
        (self.kind == STRUCT).then_some(())?;
        self.thrift.structure(each)
    }

    /// The structures of a list.
    pub(crate) fn structures(&mut self, each: &mut dyn FnMut(&mut Thrift<'t>) -> Option<()>) -> Option<()> {
        self.taken = true;
        (self.kind == LIST).then_some(())?;
        let (kind, count) = self.thrift.list()?;
        (kind == STRUCT).then_some(())?;
        (0..count).try_for_each(|_| each(self.thrift))
    }

    fn skip(&mut self) -> Option<()> {
        self.thrift.skip(self.kind, false, 0)
    }
}
