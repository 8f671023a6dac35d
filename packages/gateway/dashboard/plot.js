// Lines over time on a canvas. A point is { atMs, … }; where points are missing the line is broken.

import { bytes } from './words.js';

/** Silence that is told from the usual pause between two points, ms. */
const GAP_MS = 4000;
const LABEL_PX = 14;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The next of 1, 2, 5, 10, 20 … : a scale that does not change with each point. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/**
 * Draws the last `spanMs` of some points. `lines` names the value of a point and the colour of each line; `range` fixes the
 * scale, which otherwise begins at zero and fits the largest.
 */
export function plot(canvas, points, { lines, spanMs, unit, range }) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0 || height === 0) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const endMs = Math.max(0, ...points.slice(-2).map(({ atMs }) => atMs));
  const shown = points.filter(({ atMs }) => endMs - atMs <= spanMs);
  const values = shown.flatMap((point) => lines.map(([key]) => point[key]).filter((value) => value !== undefined));
  const [low, high] = range ?? [0, roundUp(Math.max(100, ...values))];
  const [top, bottom] = [LABEL_PX, height - LABEL_PX];
  const x = (atMs) => width - ((endMs - atMs) / spanMs) * width;
  const y = (value) => bottom - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (bottom - top);
  context.strokeStyle = colour('--edge');
  for (const value of [low, (low + high) / 2, high]) {
    context.beginPath();
    context.moveTo(0, y(value));
    context.lineTo(width, y(value));
    context.stroke();
  }
  context.fillStyle = colour('--quiet');
  context.font = '10px system-ui, sans-serif';
  const label = (value) => (unit === 'dBm' ? `${value} dBm` : `${bytes(value)}/s`);
  context.fillText(label(high), 0, top - 4);
  const minutes = Math.round(spanMs / 60_000);
  context.fillText(`${minutes} min ago`, 0, height - 3);
  context.textAlign = 'right';
  context.fillText('now', width, height - 3);
  if (values.length === 0) {
    context.textAlign = 'center';
    context.fillText('nothing yet', width / 2, (top + bottom) / 2 + 3);
  }
  for (const [key, name] of lines) {
    context.strokeStyle = colour(name);
    context.fillStyle = colour(name);
    context.lineWidth = 1.5;
    context.beginPath();
    let lastMs;
    for (const point of shown) {
      const value = point[key];
      if (value === undefined) {
        lastMs = undefined;
        continue;
      }
      const gapMs = range === undefined ? GAP_MS : spanMs / 10;
      if (lastMs !== undefined && point.atMs - lastMs <= gapMs) context.lineTo(x(point.atMs), y(value));
      else {
        context.moveTo(x(point.atMs), y(value));
        context.fillRect(x(point.atMs) - 1, y(value) - 1, 2, 2);
      }
      lastMs = point.atMs;
    }
    context.stroke();
  }
}
