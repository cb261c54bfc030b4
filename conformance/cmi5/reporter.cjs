'use strict';

const { writeFileSync } = require('fs');

/** Reporter of the suite's test runner: a line for each test as it ends, and the counts in the file that QUIPU_TOTALS names. */
module.exports = class Reporter {
  constructor() {
    this.totals = { passed: 0, failed: 0, skipped: 0 };
  }

  onTestCaseResult(_test, { status, ancestorTitles, title, failureMessages }) {
    const known = status === 'passed' || status === 'failed' ? status : 'skipped';
    this.totals[known] += 1;
    process.stdout.write(`${known} ${[...ancestorTitles, title].join(' › ')}\n`);
    for (const message of failureMessages) process.stdout.write(`    ${message.replaceAll('\n', '\n    ')}\n`);
  }

  /** Files that could not be run have no test that failed. */
  onTestResult(_test, { testExecError, failureMessage }) {
    if (!testExecError) return;
    this.totals.failed += 1;
    process.stdout.write(`failed ${failureMessage}\n`);
  }

  onRunComplete() {
    writeFileSync(process.env.QUIPU_TOTALS, JSON.stringify(this.totals));
  }
};
