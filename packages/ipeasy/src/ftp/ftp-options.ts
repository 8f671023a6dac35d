/** What `ftp()` takes. */
export interface FtpOptions {
  /** Name or address of the server. */
  readonly host: string;
  /** 1..65535; default 21. */
  readonly port?: number | undefined;
  readonly user: string;
  readonly password: string;
  /** The module opens data connections itself, which works behind NAT; default true. */
  readonly passive?: boolean | undefined;
  /** Files as they are, or with line ends converted; default binary. */
  readonly type?: FtpType | undefined;
  /** How long the module waits for the server, 10000..500000 ms in steps of 100; default 100000. */
  readonly timeoutMs?: number | undefined;
}

/** How files are transferred. */
export type FtpType = 'binary' | 'ascii';

/** How far a transfer is. */
export interface FtpProgress {
  /** Octets transferred in this transfer. */
  readonly bytes: number;
  /** Size of the file where the server told it; what a restart skipped is part of it. */
  readonly totalBytes: number | undefined;
}

/** Options of a transfer. */
export interface FtpTransferOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FtpProgress) => void) | undefined;
  /** Compares sizes at the end, in binary type; default true. */
  readonly verifySize?: boolean | undefined;
}

/** Options of a download. */
export interface FtpDownloadOptions extends FtpTransferOptions {
  /**
   * Begins here, octets from the start of the file; binary type only. Where firmware or server cannot restart, the octets
   * before are fetched and left out. Behind the end of the file it rejects with `ERR_IPEASY_FTP_OFFSET`.
   */
  readonly offset?: number | undefined;
  /**
   * `command`: in blocks, so that others can use the AT port meanwhile; where the firmware lacks that, `online`.
   * `online` (default): as a stream that has the AT port for itself.
   */
  readonly mode?: 'command' | 'online' | undefined;
}

/** Options of an upload. */
export interface FtpUploadOptions extends FtpTransferOptions {
  /** Goes behind what the file holds already. */
  readonly append?: boolean | undefined;
}
