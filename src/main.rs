//! The command `musubi`. What it does is in [`musubi::cli`].

fn main() -> std::process::ExitCode {
    // One TLS provider for the whole process, before any client is built.
    drop(rustls::crypto::ring::default_provider().install_default());
    musubi::cli::main()
}
