/* SPDX-License-Identifier: Apache-2.0 */
/* Linked with the whole of one folder and only what it may use: an upward call fails to link. */
int main(void)
{
	return 0;
}
