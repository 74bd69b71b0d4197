//! The `sccfg` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    sccfg::main()
}
