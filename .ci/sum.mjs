// Sums vitest's JSON reports given as arguments; fails unless tests passed and none failed, was skipped or left to do.
import { readFileSync } from 'node:fs';

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  for (const file of report.testResults) {
    // A file that could not even be loaded has failed without a test to show for it.
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) sum.failed += 1;
    if (file.assertionResults.length === 0 && file.status !== 'failed') sum.skipped += 1;
    for (const test of file.assertionResults) {
      if (test.status !== 'passed') console.log(`${test.status}: ${file.name} ${test.fullName}`);
    }
  }
  if (report.numPassedTests === 0) {
    console.log(`No test passed in ${path}.`);
    process.exitCode = 1;
  }
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
if (sum.failed > 0 || sum.skipped > 0) process.exitCode = 1;
