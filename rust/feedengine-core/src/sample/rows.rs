//! Rows to bytes: threads make chunks of records, one writer puts them down in order.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::cells::{self, Cells, Column};
use super::days::Fate;
use super::output::{Output, Packed, Packer};
use super::random::Permutation;
use super::{Format, Spec};

/// Rows in one chunk: about two megabytes of items.
const CHUNK: u64 = 4096;

/// Makes the record at a position of the file, and counts it.
pub(super) type Write<'a> = Box<dyn Fn(u64, &mut Cells, &mut Tally) + Sync + 'a>;

/// How many records there were before, and the sum of their ids' numbers.
pub(super) type Before<'a> = Box<dyn Fn() -> (u64, u64) + Sync + 'a>;

/// One entity's records.
pub(super) struct Source<'a> {
    pub(super) entity: &'static str,
    pub(super) columns: &'static [Column],
    /// Names of the columns that changes are counted for.
    pub(super) touched: &'static [&'static str],
    pub(super) rows: u64,
    pub(super) write: Write<'a>,
    pub(super) records_before: Before<'a>,
}

/// Counts of the records made.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    pub(super) added_ids: u64,
    pub(super) changed_ids: u64,
    /// Of the records that were there before: changed or not.
    pub(super) kept_ids: u64,
    pub(super) touched: [u64; 5],
    names: &'static [&'static str],
}

impl Tally {
    /// Counts one record.
    pub(super) fn count(&mut self, fate: Fate, number: u64) {
        match fate {
            Fate::Added => {
                self.added += 1;
                self.added_ids = self.added_ids.wrapping_add(number);
                return;
            }
            Fate::Changed => {
                self.changed += 1;
                self.changed_ids = self.changed_ids.wrapping_add(number);
            }
            Fate::Unchanged => self.unchanged += 1,
        }
        self.kept_ids = self.kept_ids.wrapping_add(number);
    }

    /// Changed records by column.
    pub(super) fn fields(&self) -> BTreeMap<String, u64> {
        let counted = self.names.iter().zip(self.touched).filter(|(_, count)| *count > 0);
        counted.map(|(name, count)| ((*name).to_owned(), count)).collect()
    }

    fn add(&mut self, other: &Tally) {
        self.added += other.added;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.added_ids = self.added_ids.wrapping_add(other.added_ids);
        self.changed_ids = self.changed_ids.wrapping_add(other.changed_ids);
        self.kept_ids = self.kept_ids.wrapping_add(other.kept_ids);
        for (mine, theirs) in self.touched.iter_mut().zip(other.touched) {
            *mine += theirs;
        }
    }
}

/// Writes all rows of `source`; answers the counts and the bytes before compression.
pub(super) fn write(source: &Source, spec: &Spec, output: &mut Output) -> io::Result<(Tally, u64)> {
    let order = column_order(source.columns.len(), spec);
    let mut total = Tally { names: source.touched, ..Tally::default() };
    let mut bytes = 0;
    let mut frame = Vec::new();
    match spec.format {
        Format::Csv => cells::header(&mut frame, source.columns, &order),
        Format::Json => frame.extend_from_slice(format!("{{\"{}\":[\n", source.entity).as_bytes()),
        Format::Jsonl => {}
    }
    let packer = output.packer();
    bytes += output.put(&packer.pack(frame))?;
    let threads = match spec.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let chunks = source.rows.div_ceil(CHUNK);
    thread::scope(|scope| {
        let mut lanes: Vec<Receiver<(Packed, Tally)>> = Vec::new();
        for lane in 0..threads as u64 {
            let (sender, receiver) = sync_channel(2);
            lanes.push(receiver);
            let (order, packer) = (&order, output.packer());
            scope.spawn(move || work(source, spec, order, packer, (lane..chunks).step_by(threads), &sender));
        }
        for chunk in 0..chunks {
            let received = lanes[chunk as usize % threads].recv();
            let (packed, tally) = received.map_err(|_| io::Error::other("a worker of the generator died"))?;
            bytes += output.put(&packed)?;
            total.add(&tally);
        }
        io::Result::Ok(())
    })?;
    let mut frame = Vec::new();
    if spec.format == Format::Json {
        frame.extend_from_slice(b"\n]}\n");
    }
    if spec.cut_record {
        cut(source, &order, &mut frame);
    }
    bytes += output.put(&packer.pack(frame))?;
    Ok((total, bytes))
}

fn work(
    source: &Source,
    spec: &Spec,
    order: &[usize],
    packer: Packer,
    chunks: impl Iterator<Item = u64>,
    sender: &SyncSender<(Packed, Tally)>,
) {
    let mut record = Cells::default();
    for chunk in chunks {
        let mut tally = Tally::default();
        let mut bytes = Vec::with_capacity(2 << 20);
        for position in chunk * CHUNK..source.rows.min((chunk + 1) * CHUNK) {
            if spec.format == Format::Json && position > 0 {
                bytes.extend_from_slice(b",\n");
            }
            record.clear();
            (source.write)(position, &mut record, &mut tally);
            cells::record(&mut bytes, &record, source.columns, order, spec.format);
            if spec.format == Format::Jsonl {
                bytes.push(b'\n');
            }
        }
        // The writer went away: its error is the one to report.
        if sender.send((packer.pack(bytes), tally)).is_err() {
            return;
        }
    }
}

/// The start of a record that ends inside its third cell, without a line end.
fn cut(source: &Source, order: &[usize], out: &mut Vec<u8>) {
    let mut record = Cells::default();
    (source.write)(source.rows, &mut record, &mut Tally::default());
    let mut line = Vec::new();
    cells::record(&mut line, &record, source.columns, order, Format::Csv);
    let commas: Vec<usize> = memchr::memchr_iter(b',', &line).take(2).collect();
    let end = commas.last().map_or(line.len() / 2, |comma| comma + 12).min(line.len() - 1);
    out.extend_from_slice(&line[..end]);
}

fn column_order(columns: usize, spec: &Spec) -> Vec<usize> {
    let permutation = Permutation::new(columns as u64, spec.seed ^ (u64::from(spec.day) << 16));
    (0..columns as u64).map(|n| if spec.shuffle_columns { permutation.at(n) } else { n } as usize).collect()
}
