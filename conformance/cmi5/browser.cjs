'use strict';

/** How the suite's browser is started (its variable JEST_PUPPETEER_CONFIG names this file): the Chromium that is installed, without a window. */
module.exports = {
  launch: { headless: true, executablePath: process.env.QUIPU_TEST_CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] },
};
