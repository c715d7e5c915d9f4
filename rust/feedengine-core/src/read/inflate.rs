//! Gzip and zstd, undone by a thread of their own that runs ahead through a few reused buffers.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use zstd::stream::raw::{Decoder, Operation};

use super::deflate::{Ends, HISTORY, Inflater, Input, Output, SLOP};
use super::source::{Bytes, Source, Totals};
use crate::fault::{Code, Fault};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several.
    Zstd,
}

impl Packing {
    /// Tells by the first bytes.
    pub(crate) fn sniff(head: &[u8]) -> Option<Packing> {
        match head {
            [0x1F, 0x8B, ..] => Some(Packing::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// The extension that goes with it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gz",
            Packing::Zstd => "zst",
        }
    }
}

/// Buffers under way between the two threads: enough for either to run ahead a little.
const BUFFERS: usize = 4;
/// Size of each: small enough to stay in the cache between the inflater's writing and the reader's copying.
const BUFFER: usize = 256 * 1024;
/// Expansion below this many bytes is never called a bomb.
const FREE: u64 = 64 << 20;

const BEHIND: &str = "bytes follow the end of the compressed data";

enum Parcel {
    /// A buffer and what of it is to be read.
    Bytes(Vec<u8>, Range<usize>),
    Done(Totals),
    Failed(Fault),
}

/// What comes out of a compressed source.
pub(crate) struct Inflated {
    /// `None` once the end, or a fault, has come.
    full: Option<Receiver<Parcel>>,
    empty: Option<Sender<Vec<u8>>>,
    current: (Vec<u8>, Range<usize>),
    ended: Result<Totals, Fault>,
    thread: Option<JoinHandle<()>>,
}

impl Inflated {
    /// Starts to inflate `source`; it may grow to `expansion` times its size.
    pub(crate) fn start(source: impl Source + 'static, packing: Packing, expansion: u64) -> Result<Self, Fault> {
        let (send_full, full) = sync_channel(BUFFERS);
        let (empty, take_empty) = channel();
        for _ in 0..BUFFERS {
            // The receiver is at hand, so this cannot fail.
            let _ = empty.send(vec![0; HISTORY + BUFFER + SLOP]);
        }
        let thread = Builder::new()
            .name("inflate".into())
            .spawn(move || {
                let mut outlet = Outlet { full: send_full, empty: take_empty, out: 0, read: 0, expansion };
                let last = match work(source, packing, &mut outlet) {
                    Ok(totals) => Parcel::Done(totals),
                    Err(Stop::Fault(fault)) => Parcel::Failed(fault),
                    Err(Stop::Unwanted) => return,
                };
                let _ = outlet.full.send(last);
            })
            .map_err(|error| Fault::new(Code::Unreadable, format!("no thread to inflate with: {error}")))?;
        let ended = Ok(Totals::default());
        Ok(Inflated { full: Some(full), empty: Some(empty), current: (Vec::new(), 0..0), ended, thread: Some(thread) })
    }

    /// Waits for the next buffer; false at the end.
    fn next(&mut self) -> Result<bool, Fault> {
        let parcel = match &self.full {
            None => return self.ended.clone().map(|_| false),
            Some(full) => full.recv().unwrap_or_else(|_| {
                Parcel::Failed(Fault::new(Code::ArchiveCorrupt, "the archive could not be inflated"))
            }),
        };
        self.ended = match parcel {
            Parcel::Bytes(bytes, range) => {
                let used = std::mem::replace(&mut self.current, (bytes, range)).0;
                if let (false, Some(empty)) = (used.is_empty(), &self.empty) {
                    let _ = empty.send(used);
                }
                return Ok(true);
            }
            Parcel::Done(totals) => Ok(totals),
            Parcel::Failed(fault) => Err(fault),
        };
        self.full = None;
        self.next()
    }
}

impl Bytes for Inflated {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        while self.current.1.is_empty() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let ready = &self.current.0[self.current.1.clone()];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.current.1.start += count;
        Ok(count)
    }
}

impl Source for Inflated {
    fn finish(&mut self) -> Result<Totals, Fault> {
        while self.next()? {}
        self.current.1 = 0..0;
        self.ended.clone()
    }
}

impl Drop for Inflated {
    fn drop(&mut self) {
        // With either channel closed, whatever the thread waits for fails, and it ends.
        self.full = None;
        self.empty = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Stop {
    Fault(Fault),
    /// Nobody waits for more.
    Unwanted,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

/// The inflating thread's end of the channels.
struct Outlet {
    full: SyncSender<Parcel>,
    empty: Receiver<Vec<u8>>,
    out: u64,
    read: u64,
    expansion: u64,
}

impl Outlet {
    fn buffer(&self) -> Result<Vec<u8>, Stop> {
        self.empty.recv().map_err(|_| Stop::Unwanted)
    }

    fn send(&mut self, bytes: Vec<u8>, range: Range<usize>) -> Result<(), Stop> {
        self.out += range.len() as u64;
        if self.out > FREE.saturating_add(self.read.saturating_mul(self.expansion)) {
            let message = format!("{} bytes grew to more than {} bytes", self.read, self.out);
            return Err(Fault::new(Code::ArchiveBomb, message).into());
        }
        self.full.send(Parcel::Bytes(bytes, range)).map_err(|_| Stop::Unwanted)
    }
}

/// The compressed bytes at hand.
struct Inlet<S> {
    source: S,
    bytes: Vec<u8>,
    at: usize,
    end: usize,
}

impl<S: Source> Inlet<S> {
    /// What is at hand; empty at the end of the file only.
    fn ready(&mut self, outlet: &mut Outlet) -> Result<&[u8], Fault> {
        if self.at == self.end {
            self.end = self.source.read(&mut self.bytes)?;
            self.at = 0;
            outlet.read += self.end as u64;
        }
        Ok(&self.bytes[self.at..self.end])
    }

    /// The file ends where it must not. That it was still being written explains more than that it is cut.
    fn truncated(&mut self) -> Stop {
        let cut = Fault::new(Code::ArchiveTruncated, "the compressed data ends before its end mark");
        Stop::Fault(self.source.finish().err().unwrap_or(cut))
    }

    /// After a whole member: whether another one begins. Zeros up to the end are padding.
    fn another(&mut self, outlet: &mut Outlet, starts: impl Fn(u8) -> bool) -> Result<bool, Fault> {
        match self.ready(outlet)?.first() {
            None => Ok(false),
            Some(first) if starts(*first) => Ok(true),
            Some(_) => {
                while !self.ready(outlet)?.is_empty() {
                    if self.bytes[self.at..self.end].iter().any(|byte| *byte != 0) {
                        return Err(Fault::new(Code::TrailingGarbage, BEHIND));
                    }
                    self.at = self.end;
                }
                Ok(false)
            }
        }
    }
}

fn work(source: impl Source, packing: Packing, outlet: &mut Outlet) -> Result<Totals, Stop> {
    let mut inlet = Inlet { source, bytes: vec![0; BUFFER], at: 0, end: 0 };
    match packing {
        Packing::Gzip => gzip(&mut inlet, outlet)?,
        Packing::Zstd => zstd_frames(&mut inlet, outlet)?,
    }
    Ok(inlet.source.finish()?)
}

fn corrupt(what: impl std::fmt::Display) -> Stop {
    Stop::Fault(Fault::new(Code::ArchiveCorrupt, format!("the compressed data is damaged: {what}")))
}

/// Both ends of the inflater.
struct Gzip<'g, S> {
    inlet: &'g mut Inlet<S>,
    outlet: &'g mut Outlet,
}

impl<S: Source> Ends for Gzip<'_, S> {
    type Stop = Stop;

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        let count = self.inlet.source.read(out)?;
        self.outlet.read += count as u64;
        Ok(count)
    }

    fn give(&mut self, buffer: Vec<u8>, start: usize, end: usize) -> Result<Vec<u8>, Stop> {
        self.outlet.send(buffer, start..end)?;
        self.outlet.buffer()
    }

    fn truncated(&mut self) -> Stop {
        self.inlet.truncated()
    }

    fn corrupt(&mut self, what: &str) -> Stop {
        corrupt(what)
    }
}

fn gzip<S: Source>(inlet: &mut Inlet<S>, outlet: &mut Outlet) -> Result<(), Stop> {
    let mut output = Output::new(outlet.buffer()?);
    let mut input = Input::new(BUFFER);
    let mut inflater = Inflater::new();
    let mut ends = Gzip { inlet, outlet };
    loop {
        gzip_header(&mut input, &mut ends)?;
        output.begin();
        inflater.stream(&mut input, &mut output, &mut ends)?;
        input.align();
        let trailer = input.fixed::<8, _>(&mut ends)?;
        let (sum, length) = output.sums();
        if trailer != ((u64::from(length) << 32) | u64::from(sum)).to_le_bytes() {
            return Err(corrupt("its checksum is another one"));
        }
        match input.peek(1, &mut ends)?.first() {
            None => break,
            Some(0x1F) => {}
            Some(_) => {
                // Zeros up to the end are padding.
                while let [_, ..] = input.peek(1, &mut ends)? {
                    let rest = input.rest();
                    if rest.iter().any(|byte| *byte != 0) {
                        return Err(Fault::new(Code::TrailingGarbage, BEHIND).into());
                    }
                    input.skip(rest.len());
                }
                break;
            }
        }
    }
    output.flush(&mut ends)
}

/// RFC 1952: the fixed part, then what its flags announce.
fn gzip_header<S: Source>(input: &mut Input, ends: &mut Gzip<'_, S>) -> Result<(), Stop> {
    let [first, second, method, flags, ..] = input.fixed::<10, _>(ends)?;
    if (first, second, method) != (0x1F, 0x8B, 8) || flags & 0xE0 != 0 {
        return Err(corrupt("its header is not one of gzip"));
    }
    if flags & 4 != 0 {
        let mut left = u16::from_le_bytes(input.fixed::<2, _>(ends)?);
        while left > 0 {
            input.fixed::<1, _>(ends)?;
            left -= 1;
        }
    }
    for flag in [8, 16] {
        // A name and a comment end with a zero.
        while flags & flag != 0 && input.fixed::<1, _>(ends)? != [0] {}
    }
    if flags & 2 != 0 {
        input.fixed::<2, _>(ends)?;
    }
    Ok(())
}

fn zstd_frames<S: Source>(inlet: &mut Inlet<S>, outlet: &mut Outlet) -> Result<(), Stop> {
    let mut buffer = outlet.buffer()?;
    let mut length = 0;
    let mut frames = Decoder::new().map_err(corrupt)?;
    loop {
        let ready = inlet.ready(outlet)?;
        let at_end = ready.is_empty();
        let status = frames.run_on_buffers(ready, &mut buffer[length..]).map_err(corrupt)?;
        inlet.at += status.bytes_read;
        length += status.bytes_written;
        let ended = status.remaining == 0;
        if !ended && at_end && status.bytes_written == 0 {
            return Err(inlet.truncated());
        }
        let last = ended && !inlet.another(outlet, |byte| byte == 0x28 || byte & 0xF0 == 0x50)?;
        if length == buffer.len() || last {
            outlet.send(buffer, 0..length)?;
            if last {
                return Ok(());
            }
            buffer = outlet.buffer()?;
            length = 0;
        }
        if ended {
            frames.reinit().map_err(corrupt)?;
        }
    }
}
