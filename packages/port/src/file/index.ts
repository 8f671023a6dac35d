export {
  CAPTURE_PENDING_LIMIT_BYTES,
  captureToFile,
  type CaptureToFileOptions,
  type FileCapture,
} from './capture-to-file.ts';
