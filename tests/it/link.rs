//! A way to a server that a test can cut.

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes connections on while it is whole; cut, it breaks those there are and refuses new ones.
pub struct Link {
    /// The server's URL, by way of this link.
    pub url: String,
    whole: watch::Sender<bool>,
}

impl Link {
    pub async fn to(url: &str) -> Self {
        let mut parsed = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        parsed.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (mut state, server) = (state.clone(), server.clone());
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self { url: parsed.into(), whole }
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}
