//! Writes a sample feed and prints what it would change: `sample OUT '{"items": 1000000, "day": 2, ...}'`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;

use feedengine_core::sample::{Spec, generate};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, spec] = arguments.as_slice() else {
        eprintln!("usage: sample OUT SPEC\n  SPEC is JSON; the default is {}", shown(&Spec::default()));
        return ExitCode::from(2);
    };
    let spec: Spec = match serde_json::from_str(spec) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("SPEC: {error}");
            return ExitCode::from(2);
        }
    };
    match generate(&spec, Path::new(out)) {
        Ok(answer) => {
            println!("{}", serde_json::to_string(&answer).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{out}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn shown(spec: &Spec) -> String {
    serde_json::to_string(spec).unwrap_or_default()
}
