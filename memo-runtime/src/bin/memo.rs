//! `memo`: why results were computed, and which former ones still hold.

fn main() -> std::process::ExitCode {
    memo_runtime::__private::tool(std::env::args_os())
}
