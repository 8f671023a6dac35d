import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const ARTEFACTS = join(import.meta.dirname, '../../test-artefacts');

/** Why there is no Chromium here; in CI that is a failure, not a skip. */
export const withoutChromium = existsSync(CHROMIUM) ? undefined : 'needs chromium: apt-get install chromium';
if (withoutChromium !== undefined && process.env['CI'] !== undefined) throw new Error(withoutChromium);

/** A tab of a real Chromium, and whatever it complained of. */
export class ChromiumPage implements AsyncDisposable {
  readonly tab: Page;
  /** Errors of the console and of scripts; what a page says of a server that is gone is left out. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, tab: Page) {
    this.#browser = browser;
    this.tab = tab;
    tab.on('console', (message) => {
      if (message.type() === 'error' && !/ERR_CONNECTION|ERR_INCOMPLETE|status of 503/.test(message.text()))
        this.complaints.push(message.text());
    });
    tab.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  static async open(url: string): Promise<ChromiumPage> {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    const tab = await browser.newPage({ viewport: { width: 1200, height: 1000 }, colorScheme: 'light' });
    const page = new ChromiumPage(browser, tab);
    await tab.goto(url);
    return page;
  }

  /** The text of an element, blanks made one. */
  async text(selector: string): Promise<string> {
    return ((await this.tab.textContent(selector)) ?? '').replace(/\s+/g, ' ').trim();
  }

  /** Pixels of a canvas that have this colour of the page's, about. */
  pixels(selector: string, colour: string): Promise<number> {
    return this.tab.evaluate(
      `(() => {
        const canvas = document.querySelector(${JSON.stringify(selector)});
        const probe = document.createElement('canvas').getContext('2d');
        probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(${JSON.stringify(colour)}).trim();
        probe.fillRect(0, 0, 1, 1);
        const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          const far = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue);
          if (data[at + 3] > 200 && far < 60) count++;
        }
        return count;
      })()`,
    );
  }

  /** Three pictures among the artefacts of the tests: on a desk, in the dark, on a phone. */
  async screenshots(name: string): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    const shot = (suffix: string) =>
      this.tab.screenshot({ path: join(ARTEFACTS, `${name}${suffix}.png`), fullPage: true });
    await shot('');
    await this.tab.emulateMedia({ colorScheme: 'dark' });
    await shot('-dark');
    await this.tab.setViewportSize({ width: 360, height: 740 });
    await shot('-phone');
    await this.tab.emulateMedia({ colorScheme: 'light' });
    await this.tab.setViewportSize({ width: 1200, height: 1000 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#browser.close();
  }
}
