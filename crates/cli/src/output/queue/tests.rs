//! With a reader that reads when it is told to.

use super::*;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Each write waits for a word; what was written is told.
struct Reader {
    reads: Receiver<()>,
    read: Sender<(To, Vec<u8>)>,
}

impl Streams for Reader {
    fn write(&mut self, to: To, bytes: &[u8]) {
        // Once nobody holds it up any more, it reads on.
        let _ = self.reads.recv();
        let _ = self.read.send((to, bytes.to_vec()));
    }
}

type Written = (To, Vec<u8>);

fn queue(stalled: Duration) -> (Queue, Sender<()>, Receiver<Written>) {
    let (reads, told) = channel();
    let (read, seen) = channel();
    let reader = Reader { reads: told, read };
    (Queue::giving_up_after(stalled, reader), reads, seen)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

fn missing(lines: u64) -> Vec<u8> {
    format!("{lines} missing\n").into_bytes()
}

fn text(seen: &Receiver<Written>) -> String {
    let bytes: Vec<u8> = seen.try_iter().flat_map(|(_, bytes)| bytes).collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn everything_is_written_in_order_to_where_it_belongs() {
    let (queue, reads, seen) = queue(LONG);
    queue.put(To::Stderr, b"one\n", missing);
    queue.put_when_there_is_room(To::Stdout, b"two\n", missing);
    queue.put_when_there_is_room(To::Stdout, b"three\n", missing);
    queue.put(To::Stderr, b"four\n", missing);
    drop(reads);
    queue.flush();
    let mut written: Vec<(To, Vec<u8>)> = Vec::new();
    for (to, bytes) in seen.try_iter() {
        match written.last_mut() {
            Some((last, all)) if *last == to => all.extend(bytes),
            _ => written.push((to, bytes)),
        }
    }
    let expected = [
        (To::Stderr, b"one\n".to_vec()),
        (To::Stdout, b"two\nthree\n".to_vec()),
        (To::Stderr, b"four\n".to_vec()),
    ];
    assert_eq!(written, expected);
}

#[test]
fn a_function_waits_for_room_and_nothing_is_lost_while_somebody_reads() {
    let (queue, reads, seen) = queue(LONG);
    let line = [b'x'; PIECE];
    let lines = 4 * ROOM / PIECE;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..lines {
                queue.put_when_there_is_room(To::Stdout, &line, missing);
                assert!(queue.shared.lock().size <= ROOM + PIECE);
            }
        });
        for _ in 0..lines {
            reads.send(()).unwrap();
            assert_eq!(seen.recv().unwrap().1.len(), PIECE);
        }
    });
    queue.flush();
}

#[test]
fn where_nobody_reads_lines_are_counted_and_words_of_ours_are_kept() {
    let (queue, reads, seen) = queue(SHORT);
    queue.put_when_there_is_room(To::Stderr, &vec![b'x'; ROOM], missing);
    for _ in 0..1000 {
        queue.put_when_there_is_room(To::Stderr, b"lost\n", missing);
    }
    queue.put(To::Stderr, b"kept\n", missing);
    // Nor does the end wait for nobody.
    queue.flush();
    drop(reads);
    while queue.shared.lock().size > 0 {
        std::thread::yield_now();
    }
    queue.put_when_there_is_room(To::Stderr, b"found\n", missing);
    while queue.shared.lock().size > 0 {
        std::thread::yield_now();
    }
    let text = text(&seen);
    let behind = text.trim_start_matches('x');
    assert_eq!(behind, "kept\n1000 missing\nfound\n");
}

/// A terminal that was stopped must not cost memory without end.
#[test]
fn what_is_little_is_dropped_too_where_nobody_reads_it() {
    let (queue, reads, seen) = queue(LONG);
    let line = [b'x'; PIECE];
    let lines = MOST / PIECE + 10;
    for _ in 0..lines {
        queue.put(To::Stderr, &line, missing);
    }
    assert!(queue.shared.lock().size <= MOST + PIECE);
    drop(reads);
    queue.flush();
    queue.put(To::Stderr, b"the next\n", missing);
    queue.flush();
    let written = text(&seen);
    let lost = lines - written.matches('x').count() / PIECE;
    assert!(lost > 0);
    assert!(written.ends_with(&format!("x{lost} missing\nthe next\n")));
}
